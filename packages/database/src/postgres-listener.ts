import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** How often the listener checks that notifications still arrive, and how long one may take. */
const HEARTBEAT_MS = 1000
const PATIENCE_MS = 1000
const RETRY_MS = 1000

export interface ListenOptions {
  /** Called with the payload of each notification. */
  onNotification(payload: string): void
  /** Called when notifications begin to arrive, and when they may have been missed. */
  onState(isListening: boolean): void
}

/**
 * Listens to notifications of PostgreSQL on a connection of its own, and connects again whenever it is lost.
 *
 * It sends itself a notification every second. So it also notices a connection on which nothing arrives any more, and a pooler
 * that swallows `LISTEN`. A lost connection is noticed within two seconds.
 *
 * @returns A function that ends it.
 */
export function listen(url: string, channel: string, options: ListenOptions): () => Promise<void> {
  const ended = new AbortController()
  const run = (async () => {
    while (!ended.signal.aborted) {
      await listenOnce(url, channel, options, ended.signal).catch(() => undefined)
      options.onState(false)
      await sleep(RETRY_MS, undefined, { signal: ended.signal }).catch(() => undefined)
    }
  })()
  return async () => {
    ended.abort()
    await run
  }
}

/** Returns or rejects when the connection can no longer be trusted. */
async function listenOnce(
  url: string,
  channel: string,
  { onNotification, onState }: ListenOptions,
  ended: AbortSignal,
): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: PATIENCE_MS,
    query_timeout: PATIENCE_MS,
    keepAlive: true,
  })
  const lost = new AbortController()
  const isOver = AbortSignal.any([ended, lost.signal])
  const own = `heartbeat ${randomUUID()}`
  let heard: (() => void) | undefined
  client.on('error', () => lost.abort())
  client.on('end', () => lost.abort())
  client.on('notification', ({ payload = '' }) => {
    if (payload === own) heard?.()
    else if (!payload.startsWith('heartbeat ')) onNotification(payload)
  })
  try {
    await client.connect()
    await client.query(`listen ${client.escapeIdentifier(channel)}`)
    for (let isListening = false; !isOver.aborted; isListening = true) {
      const arrival = new Promise<void>((resolve, reject) => {
        heard = resolve
        AbortSignal.any([isOver, AbortSignal.timeout(PATIENCE_MS)]).addEventListener('abort', () =>
          reject(isOver.reason),
        )
      })
      await Promise.all([arrival, client.query('select pg_notify($1, $2)', [channel, own])])
      if (!isListening) onState(true)
      await sleep(HEARTBEAT_MS, undefined, { signal: isOver })
    }
  } finally {
    await Promise.race([client.end(), sleep(PATIENCE_MS)]).catch(() => undefined)
  }
}
