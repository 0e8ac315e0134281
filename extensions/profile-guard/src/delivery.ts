import { setTimeout as sleep } from 'node:timers/promises'
import { type Alert, writeAlert } from './alert.ts'
import type { ClaimedMessage, Outbox } from './outbox.ts'
import type { SendMail, SendResult } from './smtp.ts'

/** The events for the operator. They contain codes, counts and times, but no address and no content. */
export type DeliveryEvent =
  | { event: 'sent'; message: string; attempt: number }
  | { event: 'postponed'; message: string; attempt: number; cause: string; retryInMs: number }
  | { event: 'given up'; message: string; attempt: number; cause: string }
  | { event: 'outbox unavailable'; cause: string }

export interface DeliveryOptions {
  /** Attempts before a message is given up. Default 20: with the other defaults more than a day. */
  maxAttempts?: number
  /** Milliseconds after the first failure. Doubled after each further one. Default 30,000. */
  firstRetryMs?: number
  /** Longest wait between attempts, in milliseconds. Default 4 hours. */
  maxRetryMs?: number
  /** Milliseconds between polls of the outbox for messages of other instances. Default 15,000. */
  pollMs?: number
}

export interface DeliveryPorts {
  outbox: Outbox
  send: SendMail
  /** The domain of message ids, for example that of the sender. */
  domain: string
  log?(event: DeliveryEvent): void
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
  /** From 0 to 1. Default `Math.random`. */
  random?(): number
}

/** Sends the messages of the outbox in the background. */
export interface Delivery {
  /** Sends everything that is due now, and then returns. For runtimes that stop between calls. */
  sendDue(): Promise<void>
  /** Starts sending until {@link Delivery.stop}. */
  start(): void
  /** Reports that something was added. Returns at once; sending happens later. */
  wake(): void
  /**
   * Stops after the current mail. The rest stays in the outbox.
   *
   * @param graceMs Milliseconds for the current mail. Then it is aborted and retried later. Default 5000.
   */
  stop(graceMs?: number): Promise<void>
}

/** Another instance may be about to claim the due message. Polling at once would keep both busy. */
const MIN_WAIT_MS = 20

export function createDelivery(ports: DeliveryPorts, options: DeliveryOptions = {}): Delivery {
  const { outbox, send, domain, now = Date.now, random = Math.random, log = () => undefined } = ports
  const { maxAttempts = 20, firstRetryMs = 30_000, maxRetryMs = 4 * 3_600_000, pollMs = 15_000 } = options
  const stopping = new AbortController()
  const cutting = new AbortController()
  let alarm = new AbortController()
  let running: Promise<void> | undefined

  async function deliver(message: ClaimedMessage): Promise<void> {
    const { id, attempt } = message
    // An attempt without a result counts. A mail that crashes its sender must not be retried for ever.
    const result: SendResult =
      attempt > maxAttempts
        ? { result: 'never', cause: 'too many attempts' }
        : await send(mailOf(message, domain), cutting.signal)
    if (result.result === 'sent') {
      await outbox.markSent(message)
      log({ event: 'sent', message: id, attempt })
    } else if (result.result === 'never' || attempt >= maxAttempts) {
      await outbox.bury(message, result.cause)
      log({ event: 'given up', message: id, attempt, cause: result.cause })
    } else {
      const retryInMs = Math.round(Math.min(firstRetryMs * 2 ** (attempt - 1), maxRetryMs) * (0.5 + random() / 2))
      await outbox.postpone(message, now() + retryInMs, result.cause)
      log({ event: 'postponed', message: id, attempt, cause: result.cause, retryInMs })
    }
  }

  async function sendDue(): Promise<void> {
    while (!stopping.signal.aborted) {
      const message = await outbox.claim()
      if (!message) return
      await deliver(message)
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      // Created before polling: a message that is added meanwhile must not wait for the next poll.
      alarm = new AbortController()
      let waitMs = pollMs
      try {
        await sendDue()
        const dueAt = await outbox.nextDueAt()
        if (dueAt !== undefined) waitMs = Math.min(pollMs, Math.max(MIN_WAIT_MS, dueAt - now()))
      } catch (error) {
        log({ event: 'outbox unavailable', cause: (error as { code?: string }).code ?? 'error' })
      }
      await sleep(waitMs, undefined, { signal: AbortSignal.any([stopping.signal, alarm.signal]), ref: false }).catch(
        () => undefined,
      )
    }
  }

  return {
    sendDue,
    start: () => {
      running ??= run()
    },
    wake: () => alarm.abort(),
    stop: async (graceMs = 5000) => {
      stopping.abort()
      const cut = setTimeout(() => cutting.abort(), graceMs)
      await running
      clearTimeout(cut)
    },
  }
}

function mailOf({ id, recipient, content, createdAt }: ClaimedMessage, domain: string) {
  const alert = JSON.parse(content) as Alert
  return { to: recipient, messageId: `<${id}.${createdAt.toString(36)}@${domain}>`, ...writeAlert(alert) }
}
