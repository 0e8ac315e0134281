import { allow, type Handler } from '@preflow/extension'
import * as z from 'zod/mini'
import { readOptions } from './options.ts'
import { type Reaction, react, reactionSchema } from './reaction.ts'

/** A weekly span of time. */
export interface Hours {
  /** IANA name, for example `Europe/Berlin`. Default `UTC`. */
  timeZone?: string
  /** The days on which a span begins. Default: all. */
  weekdays?: Weekday[]
  /** When it begins, `HH:MM`, inclusive. Default `09:00`. */
  from?: string
  /** When it ends, `HH:MM`, exclusive. If it is before `from`, the span ends on the next day. Default `17:00`. */
  to?: string
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
export type Weekday = (typeof WEEKDAYS)[number]

const clock = z.string().check(z.regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time like 09:00'))

export const hoursSchema: z.ZodMiniType<Required<Hours>> = z.prefault(
  z
    .strictObject({
      timeZone: z._default(
        z.string().check(z.refine(isTimeZone, 'must be a time zone like UTC or Europe/Berlin')),
        'UTC',
      ),
      weekdays: z._default(z.array(z.enum(WEEKDAYS)).check(z.minLength(1)), [...WEEKDAYS]),
      from: z._default(clock, '09:00'),
      to: z._default(clock, '17:00'),
    })
    .check(z.refine(({ from, to }) => from !== to, { path: ['to'], message: 'must differ from from' })),
  {},
)

export interface HoursOptions {
  hours?: Hours
  /** The reaction outside the hours. Default `deny`. */
  outside?: Reaction
  /** Lifetime in seconds if `outside` is `shorten`. Default 300. */
  shortenToSeconds?: number
}

export const hoursOptionsSchema: z.ZodMiniType<Required<Omit<HoursOptions, 'hours'>> & { hours: Required<Hours> }> =
  z.strictObject({
    hours: hoursSchema,
    outside: z._default(reactionSchema, 'deny'),
    shortenToSeconds: z._default(z.int().check(z.gte(1)), 300),
  })

/** Reacts to requests outside the hours. */
export function hours(options: HoursOptions = {}): Handler<'PRE_ISSUE_ACCESS_TOKEN'> {
  const settings = readOptions('hours', hoursOptionsSchema, options)
  const isWithin = createHours(settings.hours)
  return (_event, context) =>
    isWithin(context.now())
      ? allow([], { why: 'hours: inside' })
      : react(settings.outside, {
          description: 'Access token issuance is blocked at this time.',
          why: 'hours: outside',
          seconds: settings.shortenToSeconds,
        })
}

/**
 * Creates a function that returns whether an instant, in milliseconds since the epoch, is within the hours. The time
 * zone includes daylight saving time.
 */
export function createHours(options: Hours = {}): (epochMs: number) => boolean {
  const { timeZone, weekdays, from, to } = readOptions('hours', hoursSchema, options)
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  let latest: { minute: number; isWithin: boolean } | undefined
  return epochMs => {
    // A calendar conversion costs more than the rest of a decision, and its result is valid for a minute.
    const minute = Math.floor(epochMs / 60_000)
    if (latest?.minute !== minute) latest = { minute, isWithin: isWithin(epochMs) }
    return latest.isWithin
  }

  function isWithin(epochMs: number): boolean {
    const parts = format.formatToParts(epochMs)
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.find(candidate => candidate.type === type)?.value ?? ''
    const time = `${part('hour')}:${part('minute')}`
    const today = WEEKDAYS.indexOf(part('weekday') as Weekday)
    const begins = (day: number) => weekdays.includes(WEEKDAYS[(day + 7) % 7] as Weekday)
    if (from < to) return begins(today) && time >= from && time < to
    // Over midnight: this evening's span, or the rest of yesterday's.
    return (begins(today) && time >= from) || (begins(today - 1) && time < to)
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}
