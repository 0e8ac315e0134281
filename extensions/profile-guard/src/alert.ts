import { createHash } from 'node:crypto'
import { type InitiatorType, type ProfileEvent, present } from '@preflow/contract'
import {
  type AttributeValue,
  attributeName,
  attributeValues,
  isRemoval,
  type ProfileChange,
  profileChanges,
} from '@preflow/policies'
import type { OutboxMessage } from './outbox.ts'
import type { Mail } from './smtp.ts'

/** The decision about the update of an alert. */
export type AlertOutcome = 'allowed' | 'refused' | 'undecided'

/** The recipient of an alert: the security team, or the owner of the account at a previous address. */
export type Audience = 'team' | 'owner'

/** The content of a mail. It is created once, stored in the outbox, and rendered when it is sent. */
export interface Alert {
  audience: Audience
  outcome: AlertOutcome
  /** Milliseconds since the epoch. */
  at: number
  initiator: InitiatorType
  tenant: string
  organization?: string
  userId?: string
  requestId?: string
  /** Values exist only for the team, and only for attributes that are configured to be shown. */
  changes: { uri: string; kind: 'set' | 'changed' | 'removed'; before?: string[]; after?: string[] }[]
}

export interface AlertOptions {
  /** Claim URIs that cause an alert if an update touches them. */
  watched: readonly string[]
  /** Claim URIs of the owner's e-mail addresses. If one changes, the previous addresses get a mail. */
  emailClaims: readonly string[]
  /** Addresses of the security team. */
  team: readonly string[]
  /** Claim URIs whose old and new values the team may see. Never sent to the owner's previous addresses. */
  shown: readonly string[]
  /** Whether the team gets alerts about updates that were refused or could not be decided. */
  tellsOfRefused: boolean
}

/** The messages of one update. */
export interface AlertMessages {
  messages: OutboxMessage[]
  /**
   * An e-mail claim changes, but the platform does not send its stored value to the action. So no mail goes to the
   * previous address.
   */
  lacksPreviousAddress: boolean
}

/** More addresses than this in one profile get no mail. */
const MAX_PREVIOUS_ADDRESSES = 10

/**
 * Which recipients get which alert about an update. Each recipient gets a separate message, so one rejected mailbox
 * does not affect the others.
 *
 * The same update, retried by a platform, has the same ids.
 */
export function alertMessages(
  event: ProfileEvent,
  call: { outcome: AlertOutcome; requestId: string | undefined; now: number },
  options: AlertOptions,
): AlertMessages {
  const changes = profileChanges(event)
  const watched = changes.filter(({ uri }) => options.watched.includes(uri))
  const emails = changes.filter(({ uri }) => options.emailClaims.includes(uri))
  const previous = call.outcome === 'allowed' && emails.length > 0 ? previousAddresses(event, options.emailClaims) : []
  const team = watched.length > 0 && (call.outcome === 'allowed' || options.tellsOfRefused) ? options.team : []

  const fingerprint = fingerprintOf(event, changes, call)
  const messageFor = (recipient: string, alert: Alert): OutboxMessage => ({
    id: createHash('sha256').update(`${fingerprint}\n${alert.audience}\n${recipient}`).digest('base64url'),
    recipient,
    content: JSON.stringify(alert),
  })
  const { organization, user } = event
  const facts = {
    outcome: call.outcome,
    at: call.now,
    initiator: event.initiatorType,
    tenant: event.tenant.name,
    ...present({ organization: organization?.name, requestId: call.requestId }),
  }
  const forTeam: Alert = {
    ...facts,
    audience: 'team',
    ...present({ userId: user.id }),
    changes: watched.map(change => describe(change, options.shown)),
  }
  const forOwner: Alert = { ...facts, audience: 'owner', changes: emails.map(change => describe(change, [])) }
  return {
    messages: [
      ...team.map(address => messageFor(address, forTeam)),
      ...previous.map(address => messageFor(address, forOwner)),
    ],
    lacksPreviousAddress: call.outcome === 'allowed' && emails.length > 0 && previous.length === 0,
  }
}

/**
 * Renders an alert as a mail, as plain text and as HTML.
 *
 * Everything from the event becomes one clean line: no control characters, no line breaks, no markup, cut to a maximum
 * length.
 */
export function writeAlert(alert: Alert): Omit<Mail, 'to' | 'messageId'> {
  return writers[alert.audience](alert)
}

const writers: Record<Audience, (alert: Alert) => Omit<Mail, 'to' | 'messageId'>> = {
  team: alert => {
    const names = alert.changes.map(({ uri }) => clean(attributeName(uri), 40)).join(', ')
    return layOut(`Profile update ${alert.outcome}: ${cut(names, 120)}`, [
      `${INITIATORS[alert.initiator]} requested a change of watched attributes of a profile. The update was ${TEAM_OUTCOMES[alert.outcome]}`,
      facts(alert),
      [
        'Attributes',
        ...alert.changes.map(({ uri, kind, before, after }) => {
          const values = [shown('was', before), shown('becomes', after)].filter(part => part !== undefined)
          return [`${clean(attributeName(uri), 40)} is ${KINDS[kind]}`, ...values].join('; ')
        }),
      ],
    ])
  },
  owner: alert => {
    const place = clean(alert.organization ?? alert.tenant, 100)
    return layOut(`Your e-mail address at ${place} is about to change`, [
      `${INITIATORS[alert.initiator]} requested a change of the e-mail address of your account at ${place}. You get this message because the account has this address until then.`,
      'If you expected this change, you need not do anything. If you did not, contact your administrator at once.',
      facts(alert),
    ])
  },
}

const INITIATORS: Record<InitiatorType, string> = {
  ADMIN: 'An administrator',
  APPLICATION: 'An application',
  USER: 'A user signed in to the account',
}
// The platform stores the update after the answer, and other checks may still prevent it. So an alert reports an
// attempt.
const TEAM_OUTCOMES: Record<AlertOutcome, string> = {
  allowed: 'allowed by the profile guard; the platform stores it next.',
  refused: 'refused by the profile guard; nothing was stored.',
  undecided: 'not decided, because something the profile guard needs was unavailable; nothing was stored.',
}
const KINDS: Record<Alert['changes'][number]['kind'], string> = {
  set: 'set; no old value is known here',
  changed: 'changed',
  removed: 'removed',
}

function facts({ at, tenant, organization, userId, requestId }: Alert): string[] {
  const optional = (name: string, value: string | undefined) =>
    value === undefined ? [] : [`${name}: ${clean(value, 100)}`]
  return [
    'Details',
    `Time: ${new Date(at).toISOString()}`,
    ...optional('Tenant', tenant),
    ...optional('Organization', organization),
    ...optional('User id', userId),
    ...optional('Request id', requestId),
  ]
}

function shown(verb: string, values: readonly string[] | undefined): string | undefined {
  if (values === undefined) return undefined
  const [first = 'nothing', ...more] = values.map(value => `"${value}"`)
  return `${verb} ${[first, ...more].join(', ')}`
}

/** A paragraph is a string. A list is its heading and its lines. */
function layOut(subject: string, parts: (string | string[])[]): Omit<Mail, 'to' | 'messageId'> {
  const text = parts.map(part => {
    if (typeof part === 'string') return part
    const [heading, ...lines] = part
    return [`${heading}:`, ...lines.map(line => `- ${line}`)].join('\n')
  })
  const html = parts.map(part => {
    if (typeof part === 'string') return `<p>${escapeHtml(part)}</p>`
    const [heading = '', ...lines] = part
    return `<h2>${escapeHtml(heading)}</h2>\n<ul>\n${lines.map(line => `<li>${escapeHtml(line)}</li>`).join('\n')}\n</ul>`
  })
  return {
    subject,
    text: `${text.join('\n\n')}\n`,
    html: `<!doctype html>\n<html lang="en">\n<title>${escapeHtml(subject)}</title>\n${html.join('\n')}\n</html>\n`,
  }
}

function describe(change: ProfileChange, shownClaims: readonly string[]): Alert['changes'][number] {
  const { uri, before, after } = change
  const kind = isRemoval(change) ? 'removed' : before === undefined ? 'set' : 'changed'
  if (!shownClaims.includes(uri)) return { uri, kind }
  return {
    uri,
    kind,
    ...present({ before: before === undefined ? undefined : excerpt(before) }),
    after: excerpt(after),
  }
}

/** Maximum length of a shown value. An attribute may be as long as the whole request. */
function excerpt(value: AttributeValue): string[] {
  return attributeValues(value)
    .slice(0, 10)
    .map(text => clean(text, 100))
}

/**
 * Every current address of the account in one of the claims. Values that could be more than one address are left out.
 */
function previousAddresses({ user }: ProfileEvent, emailClaims: readonly string[]): string[] {
  const stored = (user.claims ?? []).filter(({ uri }) => emailClaims.includes(uri))
  const addresses = stored.flatMap(({ value }) => attributeValues(value)).filter(isMailAddress)
  return [...new Map(addresses.map(address => [address.toLowerCase(), address])).values()].slice(
    0,
    MAX_PREVIOUS_ADDRESSES,
  )
}

/** One plain address, `local@domain`: no display name, list, comment, quoting, space or control character. */
export function isMailAddress(text: string): boolean {
  return (
    text.length <= 254 && /^[^\s\p{C}@<>()[\],;:"\\]{1,64}@[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?$/u.test(text)
  )
}

/** What identifies a call: the platform's request id, if it sent one, and all requested changes. */
function fingerprintOf(
  event: ProfileEvent,
  changes: readonly ProfileChange[],
  { outcome, requestId }: { outcome: AlertOutcome; requestId: string | undefined },
): string {
  // A caller may be able to choose the request id. Alone, it could make another change look like a repetition.
  const asked = JSON.stringify([
    requestId ?? null,
    outcome,
    event.tenant.id,
    event.organization?.id ?? null,
    event.user.id ?? null,
    event.user.sharedUserId ?? null,
    event.initiatorType,
    changes.map(({ uri, before, after }) => [uri, before ?? null, after]),
  ])
  return createHash('sha256').update(asked).digest('base64url')
}

/** One line with a value from an event. */
function clean(text: string, maxLength: number): string {
  // Control characters would break lines. Format characters would reverse or hide text.
  return cut(text.replaceAll(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim(), maxLength)
}

function cut(text: string, maxLength: number): string {
  const characters = [...text]
  return characters.length <= maxLength ? text : `${characters.slice(0, maxLength - 1).join('')}…`
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, character => ESCAPES[character] as string)
}
