/**
 * Reading GNU-as source: text in, statements with places and problems out.
 */
export { readGas } from './reading/reader.ts';
