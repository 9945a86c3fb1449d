// Reads codes: by the camera, or from a picture. Loaded when it is used.
import decodeQR from 'qr/decode.js';

/** Longest side of what is looked at, in pixels: a code that fills a third of the picture is still read. */
const LOOK = 1000;
const EVERY_MS = 120;

function pixels(source: CanvasImageSource, width: number, height: number): ImageData {
  const scale = Math.min(1, LOOK / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

function textIn(image: ImageData): string | undefined {
  try {
    return decodeQR(image);
  } catch {
    return undefined; // there is none in it
  }
}

/** The text of the code in a picture; `undefined` if there is none. */
export async function codeInFile(file: Blob): Promise<string | undefined> {
  const picture = await createImageBitmap(file);
  try {
    return textIn(pixels(picture, picture.width, picture.height));
  } finally {
    picture.close();
  }
}

/** Shows what the camera sees until a code is read; `undefined` if `signal` ends it. Rejects without a camera. */
export async function codeFromCamera(
  video: HTMLVideoElement,
  signal: AbortSignal,
): Promise<string | undefined> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  try {
    video.srcObject = stream;
    await video.play();
    while (!signal.aborted) {
      const text = video.videoWidth > 0 && textIn(pixels(video, video.videoWidth, video.videoHeight));
      if (text) return text;
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
    return undefined;
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}
