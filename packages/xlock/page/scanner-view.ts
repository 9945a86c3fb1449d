import { element, show } from './dom.js';

let ended = new AbortController();

/** Shows the camera until a code was read, which is opened. */
export async function showScanner(open: (text: string) => Promise<void>, back: () => void): Promise<void> {
  ended.abort();
  ended = new AbortController();
  const { signal } = ended;
  const problem = element('scan-problem');
  const video = element<HTMLVideoElement>('camera');
  const picture = element<HTMLInputElement>('picture');
  const { codeFromCamera, codeInFile } = await import('./scan.js');
  problem.textContent = '';
  picture.value = '';
  video.hidden = false;
  show('scanner');
  const found = async (text: string) => {
    ended.abort();
    await open(text);
  };
  element('scan-cancel').onclick = () => {
    ended.abort();
    back();
  };
  picture.onchange = () =>
    void (async () => {
      const [file] = picture.files ?? [];
      if (!file) return;
      const text = await codeInFile(file).catch(() => undefined);
      if (text) await found(text);
      else
        problem.textContent =
          'There is no code in this picture that can be read. Cut it closer, or use a sharper one.';
    })();
  try {
    const text = await codeFromCamera(video, signal);
    if (text) await found(text);
  } catch {
    video.hidden = true;
    if (!signal.aborted)
      problem.textContent =
        'The camera cannot be used here. Allow it in the settings of this page, or use a picture.';
  }
}
