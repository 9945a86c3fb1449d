/** Answers what ../child.ts asks: one function for each kind of question. `hello` is told once. */
export function answerQuestions(hello, answers) {
  process.on('message', async ({ id, question }) => {
    process.send({ id, answer: (await answers[question.ask](question)) ?? null });
  });
  process.on('disconnect', () => process.exit());
  process.send({ id: 0, answer: hello });
}
