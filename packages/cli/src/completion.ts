import { moduleCommands } from './modules.js';
import { type Command, type CommandTable, UsageError } from './run.js';

/** `xlink completion`. The scripts are made of the command table: names, what they do, and the options that their help names. */
export const completionCommand: Command = {
  summary: 'print the completion script of a shell',
  help: `Usage: xlink completion bash|zsh|fish

bash: eval "$(xlink completion bash)" in ~/.bashrc
zsh:  eval "$(xlink completion zsh)" in ~/.zshrc, after compinit
fish: xlink completion fish > ~/.config/fish/completions/xlink.fish`,
  async run([shell, ...more], { out }) {
    const { commands } = await import('./commands.js'); // it is in there itself
    if (more.length > 0 || shell === undefined || !Object.hasOwn(SHELLS, shell))
      throw new UsageError(`name a shell: ${Object.keys(SHELLS).join(', ')}`);
    out(SHELLS[shell]!({ ...commands, ...(await moduleCommands(commands)) }));
    return 0;
  },
};

/** Options that a help text begins a line with, or names in its usage. */
export const optionsIn = (help: string): readonly string[] =>
  [...new Set(help.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? [])].concat('--help');

const rows = (commands: CommandTable) =>
  Object.entries(commands).map(([name, { summary, help }]) => ({ name, summary, options: optionsIn(help) }));

const SHELLS: Readonly<Record<string, (commands: CommandTable) => string>> = {
  bash: (commands) => `_xlink() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${Object.keys(commands).join(' ')}"
  else
    case "\${COMP_WORDS[1]}" in
${rows(commands)
  .map(({ name, options }) => `      ${name}) words="${options.join(' ')}" ;;`)
  .join('\n')}
    esac
    case "$current" in -*) ;; *) words="" ;; esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _xlink xlink xlink-onboard`,

  zsh: (commands) => `_xlink() {
  local -a names
  if (( CURRENT == 2 )); then
    names=(
${rows(commands)
  .map(({ name, summary }) => `      ${quoted(`${name}:${summary.replaceAll(':', '')}`)}`)
  .join('\n')}
    )
    _describe command names
    return
  fi
  case $words[2] in
${rows(commands)
  .map(({ name, options }) => `    ${name}) names=(${options.join(' ')}) ;;`)
  .join('\n')}
  esac
  if [[ $words[CURRENT] == -* ]]; then compadd -- $names; else _files; fi
}
compdef _xlink xlink xlink-onboard`,

  fish: (commands) =>
    rows(commands)
      .flatMap(({ name, summary, options }) => [
        `complete -c xlink -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
        ...options.map(
          (option) => `complete -c xlink -n '__fish_seen_subcommand_from ${name}' -l ${option.slice(2)}`,
        ),
      ])
      .join('\n'),
};

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
