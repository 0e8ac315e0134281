/**
 * Remembers the ids of signed calls, so that a recorded call cannot be sent again. An id is remembered for as long as its
 * signature is accepted.
 */
export interface ReplayMemory {
  /**
   * When a call with this id arrived first, in milliseconds since the epoch: `nowMs` if this is the first. `undefined` if it
   * cannot be known, because calls of that time are forgotten already; then the call is refused.
   *
   * @param call.id The `webhook-id`.
   * @param call.signedAtMs The time in the signature.
   * @param call.untilMs Until when the id must be remembered.
   */
  firstArrival(call: {
    id: string
    nowMs: number
    signedAtMs: number
    untilMs: number
  }): number | undefined | Promise<number | undefined>
}

/** About 20 MB. */
const MAX_CALLS = 100_000

/**
 * Creates a memory of one process.
 *
 * If more calls arrive than it remembers, the oldest are forgotten, and from then on no call that was signed as early as one
 * of them is accepted. So a flood of calls shortens the time in which a call must arrive, and never allows a replay.
 */
export function createReplayMemory(maxCalls: number = MAX_CALLS): ReplayMemory {
  // In order of arrival, so the first is the oldest.
  const calls = new Map<string, { arrivedMs: number; signedAtMs: number; untilMs: number }>()
  let forgottenUntilMs = Number.NEGATIVE_INFINITY

  function makeRoom(nowMs: number): void {
    for (const [id, { signedAtMs, untilMs }] of calls) {
      const isOver = untilMs < nowMs
      if (!isOver && calls.size < maxCalls) return
      if (!isOver) forgottenUntilMs = Math.max(forgottenUntilMs, signedAtMs)
      calls.delete(id)
    }
  }

  return {
    firstArrival({ id, nowMs, signedAtMs, untilMs }) {
      const known = calls.get(id)
      if (known && known.untilMs >= nowMs) return known.arrivedMs
      if (signedAtMs <= forgottenUntilMs) return undefined
      makeRoom(nowMs)
      calls.set(id, { arrivedMs: nowMs, signedAtMs, untilMs })
      return nowMs
    },
  }
}
