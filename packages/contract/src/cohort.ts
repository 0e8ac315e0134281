/**
 * An entry of its own. It is no part of the wire; it lies here because the engine and the SDK both need it, and the contract is
 * all that they share.
 */

/**
 * Runs steps that come within one turn of the event loop one after the other, a little later, instead of each at its own moment.
 *
 * Cohort scheduling, after Larus and Parkes (2002): between two system calls a step finds its code and data gone from the
 * processor's caches; after another step of the same kind it finds them there. A step that comes alone hardly waits.
 *
 * @param soon When to run them: `setImmediate` gathers what the sockets of one turn brought, `process.nextTick` what the promises
 * of one moment settled.
 * @returns Hands over a step. A step must not throw: those behind it would be lost.
 * @example
 * const decideTogether = createCohort(setImmediate)
 * request.on('end', () => decideTogether(() => decide(request)))
 */
export function createCohort(soon: (run: () => void) => void): (step: () => void) => void {
  let steps: (() => void)[] = []
  function run(): void {
    const cohort = steps
    steps = []
    for (const step of cohort) step()
  }
  return step => {
    if (steps.push(step) === 1) soon(run)
  }
}
