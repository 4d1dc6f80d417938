/**
 * The version of the package; the bundler puts it in place.
 */
declare const MCSAFE_VERSION: string | undefined;

export const VERSION = typeof MCSAFE_VERSION === 'string' ? MCSAFE_VERSION : '0.0.0-development';
