import { present } from '@preflow/contract'
import { withReturnCode } from '@preflow/extension'
import type { Context } from 'hono'
import type { BrowserBinding } from './browser-binding.ts'
import type { Entry, EntryLimits, Refusal, ReturnCheck } from './entry.ts'
import { type EntryForm, fill, type Notice, renderConfirm, renderForm, renderNotice } from './page.ts'
import type { Ports } from './ports.ts'
import { type PlatformUrls, returnUrl } from './return-url.ts'
import type { Texts } from './texts.ts'

export interface EntryViewsOptions {
  platformUrls: PlatformUrls
  limits: EntryLimits
  returnCheck: ReturnCheck
  /** URL of the page for a handle. */
  entryUrl(handle: string): string
  /** URL of the confirmation page for its handle. */
  confirmUrl(handle: string): string
  texts: Texts
  language: string
  ports: Pick<Ports, 'now'>
}

/** What a form shows besides the entry. */
export interface FormState {
  /** The new key of the browser, if there is one. */
  key?: string
  /** The user name as it was typed. */
  typed?: string
  error?: NonNullable<EntryForm['error']>
  status?: 422 | 503
  /** The page was opened again, so a platform that forwards no return code may have sent the browser back. */
  isReopened?: true
}

type Answer = Response | Promise<Response>

/** The pages that a browser may see. */
export interface EntryViews {
  /** The page for the current state of an entry. Only for the browser to which it is bound. */
  entry(c: Context, entry: Entry, state?: FormState): Answer
  /** The page that asks whether the user started the sign-in. @param network Of this browser. */
  confirmation(c: Context, entry: Entry, network: string): Answer
  unknown(c: Context): Answer
  otherBrowser(c: Context): Answer
  /** For a foreign form. @param handle Of the page to open again. */
  forged(c: Context, handle: string | undefined): Answer
  /** Another request is processing the entry. */
  checking(c: Context, entry: Entry): Answer
  failed(c: Context): Answer
}

/** The message of the page for each refusal. */
const refusalTexts: Record<Refusal, keyof Texts> = {
  pin_attempts_exceeded: 'tooManyAttempts',
  pin_locked: 'locked',
  pin_cancelled: 'cancelled',
  flow_expired: 'expired',
  return_refused: 'returnRefused',
}

export function createEntryViews(options: EntryViewsOptions, binding: BrowserBinding): EntryViews {
  const { texts, entryUrl, ports } = options
  const show = (c: Context, notice: Notice, status: 200 | 403 | 410 | 500 = 200) =>
    c.html(renderNotice(notice, options), status)
  const unknown = (c: Context) => show(c, { title: texts.unknownTitle, text: texts.unknownText }, 410)
  return {
    unknown,
    otherBrowser: c => show(c, { title: texts.otherBrowserTitle, text: texts.otherBrowserText }, 403),
    forged: (c, handle) => {
      const link = handle === undefined ? undefined : { url: entryUrl(handle), text: texts.openAgain }
      return show(c, { title: texts.forgedTitle, text: texts.forgedText, ...present({ link }) }, 403)
    },
    checking: (c, entry) => {
      const link = { url: entryUrl(entry.handle), text: texts.goOn }
      return show(c, { title: texts.checkingTitle, text: texts.checkingText, link, forwardSeconds: 1 })
    },
    failed: c => show(c, { title: texts.failedTitle, text: texts.failedText }, 500),
    confirmation: (c, entry, network) => {
      const token = binding.tokenFor(c, entry, 'confirm')
      const { application, confirmHandle = '' } = entry
      const facts = factsOf(entry, { network, agent: c.req.header('user-agent') ?? '' }, texts)
      return c.html(renderConfirm({ action: options.confirmUrl(confirmHandle), application, facts, token }, options))
    },
    entry: async (c, entry, state = {}) => {
      const isOver = ports.now() >= entry.expiresAt
      if (entry.status === 'CONSUMED') return unknown(c)
      if (isOver) return show(c, refused(entry, 'flow_expired', options))
      if (entry.status !== 'PENDING') {
        const code = entry.codeHash === undefined ? undefined : (await binding.proofFor(c, entry)).code
        const notice = decided(entry, entry.status, options, code)
        // Not at once, so that such a browser does not go back and forth as fast as it can.
        const isSlow = state.isReopened && notice.forwardSeconds !== undefined
        return show(c, isSlow ? { ...notice, forwardSeconds: REOPENED_SECONDS } : notice)
      }
      const token = binding.tokenFor(c, entry, entry.attempts, state.key)
      return c.html(renderForm(formOf(entry, token, state, options), options), state.status ?? 200)
    },
  }
}

function formOf(
  entry: Entry,
  token: string,
  state: FormState,
  { texts, limits, entryUrl }: EntryViewsOptions,
): EntryForm {
  const asksName = entry.userId === undefined
  const left = limits.attempts - entry.attempts
  const wrong = fill(asksName ? texts.wrongUsernameOrPin : texts.wrongPin, { left })
  return {
    action: entryUrl(entry.handle),
    application: entry.application,
    attempt: entry.attempts,
    token,
    ...present({
      username: asksName ? { typed: state.typed ?? '' } : undefined,
      error: state.error ?? (entry.attempts > 0 ? { text: wrong, field: 'pin' as const } : undefined),
    }),
  }
}

const MAX_AGENT_CHARACTERS = 200
const REOPENED_SECONDS = 3

/** What the user can recognize the start of the sign-in by. */
function factsOf(entry: Entry, here: { network: string; agent: string }, texts: Texts): [string, string][] {
  const { organizationName, startedAt, startedFrom = '', startedWith = '' } = entry
  const place = (network: string, agent: string) =>
    [network, agent.slice(0, MAX_AGENT_CHARACTERS)].filter(known => known !== '').join(' · ') || texts.confirmUnknown
  const time = startedAt === undefined ? texts.confirmUnknown : shownTime(startedAt)
  return [
    ...(organizationName === undefined ? [] : [[texts.confirmOrganization, organizationName] as [string, string]]),
    [texts.confirmTime, time],
    [texts.confirmStarter, place(startedFrom, startedWith)],
    [texts.confirmHere, place(here.network, here.agent)],
  ]
}

/** `2026-09-21 14:13 UTC` */
function shownTime(epochMs: number): string {
  return new Date(epochMs)
    .toISOString()
    .replace('T', ' ')
    .replace(/:\d\d\.\d+Z$/, ' UTC')
}

function decided(
  entry: Entry,
  status: 'SUCCESS' | 'CONFIRMED' | 'FAILED',
  options: EntryViewsOptions,
  code: string | undefined,
): Notice {
  const { texts } = options
  switch (status) {
    case 'SUCCESS':
    case 'CONFIRMED': {
      const text = fill(texts.rightText, { application: entry.application })
      return { title: texts.rightTitle, text, ...linkBack(entry, texts.goOn, options, code), forwardSeconds: 0 }
    }
    case 'FAILED': {
      const notice = refused(entry, entry.refusal ?? 'flow_expired', options)
      return entry.refusal === 'pin_cancelled' ? { ...notice, forwardSeconds: 0 } : notice
    }
    default:
      return status satisfies never
  }
}

function refused(entry: Entry, refusal: Refusal, options: EntryViewsOptions): Notice {
  const { texts } = options
  return { title: texts.refusedTitle, text: texts[refusalTexts[refusal]], ...linkBack(entry, texts.goBack, options) }
}

/** The link to where the browser came from, if that is known. */
function linkBack(
  entry: Entry,
  text: string,
  { platformUrls }: EntryViewsOptions,
  code?: string,
): Pick<Notice, 'link'> {
  const back = returnUrl(platformUrls, entry)
  if (!back.ok) return {}
  return { link: { url: code === undefined ? back.url : withReturnCode(back.url, code), text } }
}
