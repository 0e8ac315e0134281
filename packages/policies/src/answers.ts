/** Cached answers of a service, and its calls in progress. */
export interface Answers<Answer> {
  /** The cached answer. */
  known(question: string): Answer | undefined
  /**
   * The cached answer, or the result of a call. Concurrent callers with the same key share one call. A rejection is not
   * cached.
   */
  ask(question: string): Promise<Answer>
}

export interface AnswersOptions<Answer> {
  /** Milliseconds for which an answer is cached; 0 caches none. A function decides by the answer. */
  keepMs: number | ((answer: Answer) => number)
  /** Maximum total size, in the unit of `sizeOf`. The least recently used answer is evicted first. */
  maxSize: number
  /** Default: each answer counts as one. */
  sizeOf?(answer: Answer): number
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/**
 * Caches the answers of a service.
 *
 * A published cache would add twenty kilobytes to every function that starts cold, mostly for unused features; see
 * docs/decisions/0006-schemas.md for the cost of a kilobyte.
 */
export function createAnswers<Answer>(
  find: (question: string) => Promise<Answer>,
  { keepMs, maxSize, sizeOf = () => 1, now = Date.now }: AnswersOptions<Answer>,
): Answers<Answer> {
  // A Map keeps the order of insertion: the first entry is the least recently used one.
  const kept = new Map<string, { answer: Answer; size: number; until: number }>()
  const underWay = new Map<string, Promise<Answer>>()
  let size = 0

  function forget(question: string): void {
    size -= kept.get(question)?.size ?? 0
    kept.delete(question)
  }

  function keep(question: string, answer: Answer): void {
    const forMs = typeof keepMs === 'number' ? keepMs : keepMs(answer)
    const entry = { answer, size: sizeOf(answer), until: now() + forMs }
    if (forMs <= 0 || entry.size > maxSize) return
    forget(question)
    kept.set(question, entry)
    size += entry.size
    for (const oldest of kept.keys()) {
      if (size <= maxSize) return
      forget(oldest)
    }
  }

  function known(question: string): Answer | undefined {
    const entry = kept.get(question)
    if (!entry) return undefined
    kept.delete(question)
    if (entry.until <= now()) {
      size -= entry.size
      return undefined
    }
    kept.set(question, entry)
    return entry.answer
  }

  function findAndKeep(question: string): Promise<Answer> {
    const asked = find(question)
      .then(answer => {
        keep(question, answer)
        return answer
      })
      .finally(() => underWay.delete(question))
    underWay.set(question, asked)
    return asked
  }

  return {
    known,
    async ask(question) {
      return known(question) ?? underWay.get(question) ?? findAndKeep(question)
    },
  }
}
