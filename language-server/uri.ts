/**
 * Between the URIs of the protocol and the paths of the readers.
 */
export { pathOf, uriOf } from '../assembly/file-uri.ts';
