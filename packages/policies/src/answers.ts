/** Answers of a service that are worth keeping, and the questions that are under way. */
export interface Answers<Answer> {
  /** The answer that is known now. */
  known(question: string): Answer | undefined
  /**
   * The answer that is known, or what asking brings. Those who ask the same at the same time share one call. What rejects is
   * not kept.
   */
  ask(question: string): Promise<Answer>
}

export interface AnswersOptions<Answer> {
  /** Milliseconds for which an answer is kept; 0 keeps none. A function: by the answer. */
  keepMs: number | ((answer: Answer) => number)
  /** How much is kept at most, in whatever `sizeOf` measures. What was not asked for longest goes first. */
  maxSize: number
  /** Default: each answer counts as one. */
  sizeOf?(answer: Answer): number
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/**
 * Keeps the answers of a service.
 *
 * A published cache would bring twenty kilobytes into every function that starts cold, most of them for what is not needed
 * here; see docs/decisions/0006-schemas.md for what a kilobyte costs.
 */
export function createAnswers<Answer>(
  find: (question: string) => Promise<Answer>,
  { keepMs, maxSize, sizeOf = () => 1, now = Date.now }: AnswersOptions<Answer>,
): Answers<Answer> {
  // A Map keeps the order in which entries came: the first is the one that was not asked for longest.
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
