// Runs API Extractor over the declarations in dist/: one program of the compiler for all fronts.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { frontsOf, manifestOf } from './manifest.mjs';
import { root } from './wings.mjs';

/** Those that run everywhere first, then the root as Node sees it, which has most of the others in it. */
export const fronts = frontsOf(manifestOf(root)).sort(
  (a, b) =>
    Number(a.file === 'index.node') - Number(b.file === 'index.node') ||
    Number(b.file === 'index') - Number(a.file === 'index'),
);

/**
 * @param {(front: { name: string, file: string }) => object} outputsOf which files to make, in the words of api-extractor.json
 * @param {(message: object, index: number) => void} onMessage
 */
export function extractApi(outputsOf, { localBuild = true, onMessage }) {
  const configs = fronts.map((front) => configOf(front, outputsOf(front)));
  const compilerState = CompilerState.create(configs[0], {
    additionalEntryPoints: configs.map(({ mainEntryPointFilePath }) => mainEntryPointFilePath),
  });
  return configs.map((config, index) =>
    Extractor.invoke(config, {
      localBuild,
      compilerState,
      messageCallback(message) {
        message.handled = true;
        if (message.logLevel === 'error' || message.logLevel === 'warning') onMessage(message, index);
      },
    }),
  );
}

function configOf({ file }, outputs) {
  const mainEntryPointFilePath = join(root, `dist/esm/${file}.d.ts`);
  if (!existsSync(mainEntryPointFilePath))
    throw new Error(`dist/esm/${file}.d.ts is not there: npm run build`);
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath,
      compiler: {
        overrideTsconfig: {
          extends: join(root, 'tsconfig.json'),
          compilerOptions: { paths: { '#provider': [join(root, 'dist/esm/crypto/native/index.d.ts')] } },
          include: [],
          files: [mainEntryPointFilePath],
        },
      },
      apiReport: { enabled: false },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        extractorMessageReporting: { default: { logLevel: 'none' } },
        tsdocMessageReporting: { default: { logLevel: 'warning' } },
      },
      ...outputs,
    },
  });
}
