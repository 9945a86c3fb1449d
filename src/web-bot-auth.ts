export type { BotRequest } from './web-bot-auth/bot-request.js';
export { type DirectoryKey, KEY_DIRECTORY_PATH, KEY_DIRECTORY_TYPE } from './web-bot-auth/key-directory.js';
export type { SignedKeyDirectory } from './web-bot-auth/sign-key-directory.js';
export {
  type RecognizedBot,
  type UnrecognizedBot,
  WebBotAuth,
  type WebBotAuthOptions,
} from './web-bot-auth/web-bot-auth.js';
