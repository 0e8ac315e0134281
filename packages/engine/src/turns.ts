/** How many may work and wait at once. */
export interface TurnLimits {
  /** Turns at once, of all owners. */
  atOnce: number
  /** Turns at once of one owner. Default: all. */
  perOwner?: number
  /** Places in the queue, for all owners. Default: no limit. */
  waiting?: number
  /** Places in the queue for one owner. Default: all. */
  waitingPerOwner?: number
  /** Places in the queue for one guest of an owner. Default: all of its owner. */
  waitingPerGuest?: number
}

/** Whose turn it is. */
export interface TurnHolder {
  /** Owners take turns, however many requests each has. */
  owner: string
  /** Who comes in the name of the owner, where one of many must not fill the queue. */
  guest?: string
}

/** Somebody who waits or whose turn it is. */
export interface Place {
  /** Leaves the queue, or ends the turn. Again: nothing happens. */
  leave(): void
  readonly hasTurn: boolean
}

/** A fair queue. */
export interface Turns {
  /**
   * Waits for a turn.
   *
   * @param start Called when the turn comes, before this returns if one is free.
   * @returns Undefined if the queue is full; then `start` is never called.
   */
  enter(holder: TurnHolder, start: () => void): Place | undefined
  /** Whether nobody works and nobody waits. */
  isIdle(): boolean
}

interface Waiting extends TurnHolder {
  start(): void
  hasTurn: boolean
}

/**
 * Creates a fair queue: owners get their turns one after the other, so that an owner with a long queue, or with slow work,
 * holds up nobody else. The queue is bounded, so that nobody waits for something that comes too late.
 *
 * @example
 * const place = turns.enter({ owner: tenantId }, () => work().finally(() => place.leave()))
 */
export function createTurns(limits: TurnLimits): Turns {
  const { atOnce, perOwner = atOnce, waiting = Number.POSITIVE_INFINITY } = limits
  const { waitingPerOwner = waiting, waitingPerGuest = waitingPerOwner } = limits
  const working = new Map<string, number>()
  /** In the order in which the owners get their next turn. */
  const queues = new Map<string, Waiting[]>()
  let workingCount = 0
  let waitingCount = 0

  const mayWork = (owner: string) => workingCount < atOnce && (working.get(owner) ?? 0) < perOwner

  function mayWait({ guest, owner }: TurnHolder): boolean {
    const queue = queues.get(owner) ?? []
    const ofGuest = guest === undefined ? 0 : queue.filter(other => other.guest === guest).length
    return waitingCount < waiting && queue.length < waitingPerOwner && ofGuest < waitingPerGuest
  }

  function begin(one: Waiting): void {
    workingCount++
    working.set(one.owner, (working.get(one.owner) ?? 0) + 1)
    one.hasTurn = true
    one.start()
  }

  function end({ owner }: Waiting): void {
    workingCount--
    const left = (working.get(owner) ?? 1) - 1
    if (left === 0) working.delete(owner)
    else working.set(owner, left)
    const next = [...queues.keys()].find(mayWork)
    if (next !== undefined) begin(shift(next))
  }

  function shift(owner: string): Waiting {
    const [first, ...others] = queues.get(owner) as [Waiting, ...Waiting[]]
    requeue(owner, others)
    return first
  }

  /** The owner goes behind the others. */
  function requeue(owner: string, queue: Waiting[]): void {
    waitingCount += queue.length - (queues.get(owner)?.length ?? 0)
    queues.delete(owner)
    if (queue.length > 0) queues.set(owner, queue)
  }

  return {
    enter(holder, start) {
      const one: Waiting = { ...holder, start, hasTurn: false }
      let hasLeft = false
      const place: Place = {
        get hasTurn() {
          return one.hasTurn
        },
        leave() {
          if (hasLeft) return
          hasLeft = true
          if (one.hasTurn) return end(one)
          const queue = queues.get(one.owner) ?? []
          waitingCount--
          if (queue.length === 1) queues.delete(one.owner)
          else queue.splice(queue.indexOf(one), 1)
        },
      }
      // Nobody overtakes those of the same owner who wait already.
      if (!queues.has(holder.owner) && mayWork(holder.owner)) {
        begin(one)
        return place
      }
      if (!mayWait(holder)) return undefined
      waitingCount++
      const queue = queues.get(holder.owner)
      if (queue) queue.push(one)
      else queues.set(holder.owner, [one])
      return place
    },
    isIdle: () => workingCount === 0 && waitingCount === 0,
  }
}
