// Checks of options, for packages that build on this one.
export {
  hasMethods,
  integerIn,
  isBoolean,
  isFunction,
  isText,
  type OptionKit,
  optionKit,
} from './util/option-kit.js';
export { nearestOf } from './util/options.js';
