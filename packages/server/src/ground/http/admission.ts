import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage } from 'node:http'
import { Problem } from '../problem.ts'

/** An admitted request. */
interface Entry {
  tenant: string
  request: IncomingMessage
  /** Whether it waits in another bounded queue. */
  isAside: boolean
}

/** Answers a request. Throws a 503 if the server already works on too many. */
export type Admit = (request: IncomingMessage, tenant: string, answer: () => Promise<void>) => Promise<void>

const entries = new AsyncLocalStorage<Entry>()

/**
 * Marks the current request as waiting for an extension or a password. Both have their own bounded queues, so it uses
 * no place from then on. After the wait most of its work is done.
 */
export function stepAside(): void {
  const entry = entries.getStore()
  if (entry) entry.isAside = true
}

/**
 * Limits the requests that the server works on at once, and refuses what is too much at once. One begins in each turn of the event
 * loop, one tenant after the other. So probes, which do not come here, wait for that one and not for all that arrived before.
 *
 * A request counts after its body has arrived, so slow clients use no place. One tenant uses at most half of the places.
 */
export function createAdmission(maxRequests: number): Admit {
  const inside = new Set<Entry>()
  const waitForTurn = createTurnstile()
  return async (request, tenant, answer) => {
    let all = 0
    let ofTenant = 0
    for (const entry of inside) {
      if (entry.isAside || isUploading(entry.request)) continue
      all++
      if (entry.tenant === tenant) ofTenant++
    }
    if (all >= maxRequests || ofTenant >= Math.ceil(maxRequests / 2)) throw overload()
    const entry = { tenant, request, isAside: false }
    inside.add(entry)
    try {
      await waitForTurn(tenant)
      await entries.run(entry, answer)
    } finally {
      inside.delete(entry)
    }
  }
}

/** Lets requests begin, one tenant after the other, one in each turn of the event loop. */
function createTurnstile(): (tenant: string) => Promise<void> {
  /** In the order in which tenants get their next turn. */
  const queues = new Map<string, (() => void)[]>()
  let isTurning = false

  function beginNext(): void {
    const [first] = queues
    if (!first) return
    const [tenant, queue] = first
    const begin = queue.shift()
    queues.delete(tenant)
    if (queue.length > 0) queues.set(tenant, queue)
    begin?.()
  }

  function turn(): void {
    beginNext()
    isTurning = queues.size > 0
    if (isTurning) setImmediate(turn)
  }

  return tenant =>
    new Promise(begin => {
      const queue = queues.get(tenant)
      if (queue) queue.push(begin)
      else queues.set(tenant, [begin])
      if (!isTurning) setImmediate(turn)
      isTurning = true
    })
}

/** Whether the body is still arriving and the received part is too small to work on. */
function isUploading({ complete, readableHighWaterMark, readableLength }: IncomingMessage): boolean {
  return !complete && readableLength < readableHighWaterMark
}

function overload(): Problem {
  return new Problem(503, 'temporarily_unavailable', 'The server is overloaded. Try again later.', {
    headers: { 'retry-after': '2' },
  })
}
