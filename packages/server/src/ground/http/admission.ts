import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage } from 'node:http'
import { Problem } from '../problem.ts'

/** A request that was admitted. */
interface Entry {
  tenant: string
  request: IncomingMessage
  /** Whether it waits for something that has a bounded queue of its own. */
  isAside: boolean
}

/** Answers a request, unless the server works on too many already: then it throws a 503. */
export type Admit = (request: IncomingMessage, tenant: string, answer: () => Promise<void>) => Promise<void>

const entries = new AsyncLocalStorage<Entry>()

/**
 * Notes that the request of the caller now waits for an extension or a password. Both have bounded queues of their own, so it takes
 * no place of others meanwhile, nor afterwards: most of its work is done.
 */
export function stepAside(): void {
  const entry = entries.getStore()
  if (entry) entry.isAside = true
}

/**
 * Limits the requests that the server works on at once. Everything that waits makes everything else slower, also the answers to
 * probes, so what is too much is refused at once.
 *
 * A request counts from when its body has arrived: slow clients take nobody's place. One tenant uses at most half of the places.
 */
export function createAdmission(maxRequests: number): Admit {
  const inside = new Set<Entry>()
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
      await entries.run(entry, answer)
    } finally {
      inside.delete(entry)
    }
  }
}

/** Whether more of the body is to come, and the little that came was not enough to work on. */
function isUploading({ complete, readableHighWaterMark, readableLength }: IncomingMessage): boolean {
  return !complete && readableLength < readableHighWaterMark
}

function overload(): Problem {
  return new Problem(503, 'temporarily_unavailable', 'The server has too much to do. Try again later.', {
    headers: { 'retry-after': '2' },
  })
}
