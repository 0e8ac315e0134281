/**
 * A separate entry. It is not part of the wire. It is here because the engine and the SDK both need it and share only
 * the contract.
 */

/**
 * Runs the steps that arrive within one turn of the event loop together and in order, a little later.
 *
 * Cohort scheduling, after Larus and Parkes (2002): after a system call, the processor's caches no longer hold the code
 * and data of a step. After another step of the same kind, they do. A step that arrives alone hardly waits.
 *
 * @param soon When to run them: `setImmediate` collects the input of one turn's sockets, `process.nextTick` the
 *   promises that settled at one moment.
 * @returns Adds a step. A step must not throw, because the steps after it would be lost.
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
