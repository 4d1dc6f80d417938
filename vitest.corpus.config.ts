import { defineConfig } from 'vitest/config';

/** `npm run corpus`: tests over the kernel sources and objects that test/corpus/fetch.mjs fetches. */
export default defineConfig({
  test: {
    include: ['test/corpus/**/*.test.ts'],
    testTimeout: 240_000,
    pool: 'threads',
  },
});
