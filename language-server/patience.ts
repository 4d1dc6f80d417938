/**
 * Waiting for the client, which may announce what it never answers.
 */

/** Milliseconds after which a client is not waited for any more. */
const PATIENCE_MS = 3000;

/** What the client answers; undefined if it refuses, or says nothing for too long. */
export function answerOf<Answer>(request: Promise<Answer>): Promise<Answer | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<undefined>((resolve) => { timer = setTimeout(() => { resolve(undefined); }, PATIENCE_MS); });
  return Promise.race([request.catch(() => undefined), tooLong]).finally(() => { clearTimeout(timer); });
}
