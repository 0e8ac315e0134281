import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { getCookie, setCookie } from 'hono/cookie'
import { type LockPolicy, reserveAttempt } from './attempts.ts'
import { subjectOf } from './enrolment.ts'
import { accept, bindBrowser, type Entry, type EntryLimits, type Refusal, refuse, spendAttempt } from './entry.ts'
import { CONTENT_SECURITY_POLICY, fill, type Notice, type Page, renderForm, renderNotice } from './page.ts'
import type { PinHasher } from './pin-hash.ts'
import { isPin, MAX_PIN_LENGTH } from './pin-policy.ts'
import { describeError, type Ports } from './ports.ts'
import { type PlatformUrls, returnUrl } from './return-url.ts'
import { nameFlow } from './sign-in.ts'
import { normalizeUsername, type Store } from './store.ts'
import type { Texts } from './texts.ts'

export interface EntryPagesOptions {
  store: Store
  hasher: PinHasher
  platformUrls: PlatformUrls
  limits: EntryLimits
  locks: LockPolicy
  /** URL of the page for a handle. */
  entryUrl(handle: string): string
  /** Whether that URL is https, as it must be anywhere but on this machine. */
  isSecure: boolean
  texts: Texts
  language: string
  ports: Ports
}

/** What a browser sent, or why its form does not count. */
interface Form {
  username: string
  pin: string
  attempt: number
  token: string
  isCancelled: boolean
}

const MAX_FORM_BYTES = 8192
/** So many PINs are checked at a time; each takes 32 MiB and a good part of a second of one core. */
const MAX_CHECKS = 32
const BUSY_SECONDS = 5
const BROWSER_KEY_BYTES = 32
const HANDLE = /^[\w-]{22}$/
const ONE_YEAR_SECONDS = 31_536_000

/** What the page says about each refusal. */
const refusalTexts: Record<Refusal, keyof Texts> = {
  pin_attempts_exceeded: 'tooManyAttempts',
  pin_locked: 'locked',
  pin_cancelled: 'cancelled',
  flow_expired: 'expired',
}

/**
 * The pages at which people enter their PIN.
 *
 * The first browser that opens an entry is bound to it by a cookie; every other is turned away. A form counts when it comes
 * with that cookie and with a token made from it, for the attempt that is next: sent twice, or from elsewhere, it does nothing.
 */
export function createEntryPages(options: EntryPagesOptions): Hono {
  const { store, hasher, limits, locks, isSecure, texts, ports } = options
  const pages = new Hono()
  let checks = 0

  pages.use(async (c, next) => {
    await next()
    const { headers } = c.res
    headers.set('content-security-policy', CONTENT_SECURITY_POLICY)
    headers.set('x-frame-options', 'DENY')
    headers.set('x-content-type-options', 'nosniff')
    headers.set('cache-control', 'no-store')
    headers.set('referrer-policy', 'no-referrer')
    if (isSecure) headers.set('strict-transport-security', `max-age=${ONE_YEAR_SECONDS}`)
  })

  pages.onError((error, c) => {
    ports.log(describeError('page failed', error))
    return c.html(notice({ title: texts.failedTitle, text: texts.failedText }), 500)
  })

  pages.get('/', async c => {
    // A HEAD request comes here too, and must not be the one that binds a browser.
    if (c.req.method !== 'GET') return c.body(null, 405, { allow: 'GET, POST' })
    const entry = await findEntry(c)
    if (!entry) return unknown(c)
    if (entry.browserHash !== undefined) return isBound(c, entry) ? show(c, entry) : otherBrowser(c)
    const key = Buffer.from(ports.randomBytes(BROWSER_KEY_BYTES)).toString('base64url')
    const bound = bindBrowser(entry, hashOf(key))
    if (!(await store.swapEntry(entry, bound))) return otherBrowser(c)
    setCookie(c, cookieName(entry), key, {
      path: '/',
      httpOnly: true,
      secure: isSecure,
      sameSite: 'Lax',
      maxAge: Math.ceil((limits.entryMs + limits.resultMs) / 1000),
    })
    return show(c, bound, { key })
  })

  pages.post('/', bodyLimit({ maxSize: MAX_FORM_BYTES, onError: c => forged(c as Context) }), async c => {
    const entry = await findEntry(c)
    if (!entry) return unknown(c)
    const form = await readForm(c)
    if (!form || !isBound(c, entry) || !equal(form.token, tokenOf(keyOf(c, entry), entry, form.attempt)))
      return forged(c)
    if (entry.status !== 'PENDING' || isOver(entry)) return show(c, entry)
    if (form.isCancelled) return finish(c, entry, refuse(entry, 'pin_cancelled', ports.now(), limits))
    // Sent twice, by a double click or by reloading: the first one counts, and may still be at work.
    if (form.attempt !== entry.attempts) return checking(c, entry)
    return tryPin(c, entry, form)
  })

  async function tryPin(c: Context, entry: Entry, form: Form): Promise<Response> {
    const username = normalizeUsername(form.username)
    const asksName = entry.userId === undefined
    const again = (text: string, field: 'username' | 'pin', status: 422 | 503 = 422) =>
      show(c, entry, { typed: form.username, error: { text, field }, status })
    if (asksName && username === '') return again(texts.usernameMissing, 'username')
    if (!isPin(form.pin)) return again(fill(texts.pinMalformed, { longest: MAX_PIN_LENGTH }), 'pin')
    if (checks >= MAX_CHECKS) {
      c.header('retry-after', String(BUSY_SECONDS))
      return again(texts.busy, 'pin', 503)
    }
    checks++
    try {
      return await checkPin(c, entry, form, username)
    } finally {
      checks--
    }
  }

  async function checkPin(c: Context, entry: Entry, form: Form, username: string): Promise<Response> {
    // Counted before it is checked, so that guesses made at once are not checked for free.
    if (entry.attempts >= limits.attempts)
      return finish(c, entry, refuse(entry, 'pin_attempts_exceeded', ports.now(), limits))
    const spent = spendAttempt(entry)
    if (!(await store.swapEntry(entry, spent))) return checking(c, entry)
    const enrolment = await store.findEnrolment(entry.userId === undefined ? { username } : { userId: entry.userId })
    const userId = entry.userId ?? enrolment?.userId
    // A name that nobody has is counted and locked like any other: the page does not tell who exists.
    const subject = userId === undefined ? hasher.disguise(`name:${username}`) : subjectOf(userId, hasher)
    if ((await reserveAttempt(store, subject, ports.now(), locks)) === 'locked') {
      return finish(c, spent, refuse(spent, 'pin_locked', ports.now(), limits))
    }
    const check = await hasher.check(userId ?? username, form.pin, enrolment?.pinHash)
    logTry(spent, check)
    if (enrolment && (check === 'right' || check === 'outdated')) {
      await store.forgetAttempts(subject)
      if (check === 'outdated') {
        await store.swapPinHash(enrolment.userId, enrolment.pinHash, await hasher.hash(enrolment.userId, form.pin))
      }
      return finish(c, spent, accept(spent, enrolment.userId, ports.now(), limits))
    }
    const left = limits.attempts - spent.attempts
    if (left === 0) return finish(c, spent, refuse(spent, 'pin_attempts_exceeded', ports.now(), limits))
    return show(c, spent, { typed: form.username, status: 422 })
  }

  /** Decides the entry, unless somebody else did meanwhile, and shows what it has come to. */
  async function finish(c: Context, before: Entry, after: Entry): Promise<Response> {
    const isOurs = await store.swapEntry(before, after)
    if (isOurs) logTry(after, after.refusal ?? 'accepted')
    const now = isOurs ? after : await store.findEntry(before)
    return now ? show(c, now) : unknown(c)
  }

  /** The page for an entry as it stands. Only for the browser that it is bound to. */
  function show(
    c: Context,
    entry: Entry,
    more: {
      key?: string
      typed?: string
      error?: { text: string; field: 'username' | 'pin' }
      status?: 422 | 503
    } = {},
  ): Response | Promise<Response> {
    const { application } = entry
    const back = returnUrl(options.platformUrls, entry)
    const link = (text: string) => (back.ok ? { link: { url: back.url, text } } : {})
    const refused = (refusal: Refusal, forward: Partial<Notice> = {}) =>
      c.html(
        notice({ title: texts.refusedTitle, text: texts[refusalTexts[refusal]], ...link(texts.goBack), ...forward }),
      )
    if (isOver(entry)) return entry.status === 'CONSUMED' ? unknown(c) : refused('flow_expired')
    switch (entry.status) {
      case 'PENDING': {
        const asksName = entry.userId === undefined
        const wrong = fill(asksName ? texts.wrongUsernameOrPin : texts.wrongPin, {
          left: limits.attempts - entry.attempts,
        })
        const error = more.error ?? (entry.attempts > 0 ? { text: wrong, field: 'pin' as const } : undefined)
        const key = more.key ?? keyOf(c, entry)
        const page = renderForm(
          {
            action: options.entryUrl(entry.handle),
            application,
            attempt: entry.attempts,
            token: tokenOf(key, entry, entry.attempts),
            ...(asksName ? { username: { typed: more.typed ?? '' } } : {}),
            ...(error ? { error } : {}),
          },
          options,
        )
        return c.html(page, more.status ?? 200)
      }
      case 'SUCCESS':
        return c.html(
          notice({
            title: texts.rightTitle,
            text: fill(texts.rightText, { application }),
            ...link(texts.goOn),
            forwardSeconds: 0,
          }),
        )
      case 'FAILED':
        return refused(entry.refusal ?? 'flow_expired', entry.refusal === 'pin_cancelled' ? { forwardSeconds: 0 } : {})
      case 'CONSUMED':
        return unknown(c)
      default:
        return entry.status satisfies never
    }
  }

  const notice = (content: Notice): Page => renderNotice(content, options)
  const unknown = (c: Context) => c.html(notice({ title: texts.unknownTitle, text: texts.unknownText }), 410)
  const otherBrowser = (c: Context) =>
    c.html(notice({ title: texts.otherBrowserTitle, text: texts.otherBrowserText }), 403)
  const forged = (c: Context) => {
    const handle = handleOf(c)
    const link = handle === undefined ? {} : { link: { url: options.entryUrl(handle), text: texts.openAgain } }
    return c.html(notice({ title: texts.forgedTitle, text: texts.forgedText, ...link }), 403)
  }
  const checking = (c: Context, entry: Entry) => {
    const link = { url: options.entryUrl(entry.handle), text: texts.goOn }
    return c.html(notice({ title: texts.checkingTitle, text: texts.checkingText, link, forwardSeconds: 1 }))
  }

  const isOver = (entry: Entry) => ports.now() >= entry.expiresAt
  const logTry = (entry: Entry, result: string) =>
    ports.log({ event: 'pin', result, flow: nameFlow(entry.flowId), attempt: entry.attempts })

  async function findEntry(c: Context): Promise<Entry | undefined> {
    const handle = handleOf(c)
    return handle === undefined ? undefined : store.findEntry({ handle })
  }

  // With `__Host-` no other host of the domain can plant the cookie. It needs https, which this machine alone may lack.
  const cookieName = ({ handle }: Entry) => `${isSecure ? '__Host-' : ''}pin-${hashOf(handle).slice(0, 12)}`
  const keyOf = (c: Context, entry: Entry) => getCookie(c, cookieName(entry)) ?? ''
  const isBound = (c: Context, entry: Entry) =>
    entry.browserHash !== undefined && equal(hashOf(keyOf(c, entry)), entry.browserHash)

  return pages
}

function handleOf(c: Context): string | undefined {
  const handle = c.req.query('handle')
  return handle !== undefined && HANDLE.test(handle) ? handle : undefined
}

async function readForm(c: Context): Promise<Form | undefined> {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(c.req.header('content-type') ?? '')) return undefined
  const fields = new URLSearchParams(await c.req.text())
  return {
    username: (fields.get('username') ?? '').slice(0, 256),
    // Pasted PINs come with blanks around them.
    pin: (fields.get('pin') ?? '').trim(),
    attempt: Number(fields.get('attempt') ?? Number.NaN),
    token: fields.get('token') ?? '',
    isCancelled: fields.has('cancel'),
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** Proves that a form was made for this browser, this entry and this attempt. Only who has the cookie can make one. */
function tokenOf(browserKey: string, entry: Entry, attempt: number): string {
  return createHmac('sha256', browserKey).update(`${entry.handle}:${attempt}`).digest('base64url')
}

function equal(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
