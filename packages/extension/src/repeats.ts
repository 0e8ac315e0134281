/**
 * Repeats the earlier answer to a repeated request.
 *
 * A platform that got no answer retries with the same request id and the same body. A handler with an effect, such as a
 * counter or a mail, must not run twice, and a slow one must not start again.
 */
export interface Repeats<Answer> {
  /**
   * The answer to this request: the one that is being found or was found a moment ago, or the result of `find`.
   *
   * Requests are the same if id and body are equal, because a client may choose the id. Answers for which `mayRepeat`
   * is false are forgotten, so an error is not repeated.
   */
  answer(requestId: string, body: string, find: () => Promise<Answer>): Promise<{ answer: Answer; isRepeat: boolean }>
}

/** Bodies are stored for comparison. Maximum number of their characters; the oldest are forgotten first. */
const MAX_CHARACTERS = 4_194_304

interface Kept<Answer> {
  body: string
  answer: Promise<Answer>
  /** Milliseconds since the epoch; absent while the answer is being found. */
  until?: number
}

/** @param windowMs Milliseconds for which an answer is kept after it was found. */
export function createRepeats<Answer>(
  windowMs: number,
  mayRepeat: (answer: Answer) => boolean,
  now: () => number,
): Repeats<Answer> {
  // In order of arrival, so the first is the oldest.
  const kept = new Map<string, Kept<Answer>>()
  let characters = 0

  function forget(requestId: string, entry: Kept<Answer>): void {
    if (kept.get(requestId) !== entry) return
    kept.delete(requestId)
    characters -= entry.body.length
  }

  function makeRoom(): void {
    for (const [requestId, entry] of kept) {
      const isOver = entry.until !== undefined && entry.until <= now()
      if (!isOver && characters <= MAX_CHARACTERS) return
      forget(requestId, entry)
    }
  }

  return {
    async answer(requestId, body, find) {
      makeRoom()
      const earlier = kept.get(requestId)
      const isOver = earlier?.until !== undefined && earlier.until <= now()
      if (earlier && !isOver && earlier.body === body) return { answer: await earlier.answer, isRepeat: true }
      if (earlier) forget(requestId, earlier)
      const entry: Kept<Answer> = { body, answer: find() }
      kept.set(requestId, entry)
      characters += body.length
      try {
        const answer = await entry.answer
        entry.until = now() + windowMs
        if (!mayRepeat(answer)) forget(requestId, entry)
        return { answer, isRepeat: false }
      } catch (error) {
        forget(requestId, entry)
        throw error
      }
    },
  }
}
