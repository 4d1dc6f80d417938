/**
 * Lets the event loop look at its messages.
 */
/** Resolves in the next turn of the event loop; without a browser's minimum delay of timers where the host has something better. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
