import { build } from 'esbuild'; import { gzipSync } from 'node:zlib';
const { outputFiles } = await build({ entryPoints:['dist/esm/client.js'], bundle:true, minify:true, format:'esm', write:false, external:['@noble/*','@scure/base','./sessions/client-sessions.js','./enroll-once.js'], platform:'browser', tsconfigRaw:{}, legalComments:'none' });
console.log(gzipSync(outputFiles[0].contents,{level:9}).length);
