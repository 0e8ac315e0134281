import type { InitiatorType, ProfileEvent } from '@preflow/contract'
import { allow, deny, type Handler } from '@preflow/extension'
import { RE2JS } from 're2js'
import * as z from 'zod/mini'
import { readOptions } from './options.ts'

/** A user attribute as it travels: one text, or a list for an attribute that may have several values. */
export type AttributeValue = string | string[]

/** The parts of the event that rules look at. */
export type ProfileUpdate = Pick<ProfileEvent, 'initiatorType' | 'request' | 'user'>

/** One attribute that an update touches. */
export interface ProfileChange {
  /** Local claim URI. */
  uri: string
  /** What is stored. Absent: nothing, or the action is not sent this attribute; the event does not tell which. */
  before?: AttributeValue
  /** What will be stored. `''` and `[]` remove the attribute. */
  after: AttributeValue
}

/**
 * What an update changes.
 *
 * Presence of the URI is what makes a change: a removal travels as `''` or `[]` and would be overlooked by whoever asks
 * whether there is a value. `request.claims` is the truth; `updatingValue` counts only for an attribute that is not
 * there. What is stored already is no change.
 */
export function profileChanges({ request, user }: ProfileUpdate): ProfileChange[] {
  const stored = new Map(user.claims?.map(({ uri, value }) => [uri, value]))
  const requested = request?.claims ?? []
  const named = new Set(requested.map(({ uri }) => uri))
  const repeated = (user.claims ?? []).flatMap(({ uri, updatingValue }) =>
    updatingValue === undefined || named.has(uri) ? [] : { uri, value: updatingValue },
  )
  return [...requested, ...repeated].flatMap(({ uri, value: after }) => {
    const before = stored.get(uri)
    if (before === undefined) return { uri, after }
    return isSame(before, after) ? [] : { uri, before, after }
  })
}

/** Whether the update takes the attribute away. */
export function isRemoval({ after }: ProfileChange): boolean {
  return after.length === 0
}

/** The values of an attribute, whichever way it was sent. A removed attribute has none. */
export function attributeValues(value: AttributeValue): readonly string[] {
  return typeof value === 'string' ? (value === '' ? [] : [value]) : value
}

/** `http://wso2.org/claims/department` is `department`: what people are told, because platforms refuse a `/` in answers. */
export function attributeName(uri: string): string {
  return uri.slice(Math.max(uri.lastIndexOf('/'), uri.lastIndexOf(':')) + 1) || uri
}

/** Equal for people: the same letters however they are composed, in upper or lower case. */
export function foldText(text: string): string {
  return text.normalize('NFC').toLowerCase()
}

/** What must hold for one attribute. Everything but `claim` is optional; at least one check must be given. */
export interface ProfileRule {
  /** Local claim URI, for example `http://wso2.org/claims/department`. */
  claim: string
  /** The values it may have; of a list, each. */
  values?: string[]
  /** Whether `values` are compared letter by letter. Default false: upper and lower case are the same. */
  isCaseSensitive?: boolean
  /**
   * What the whole value must match; of a list, each. RE2 syntax: everything but look-around and back-references.
   * Matching takes time proportional to the length of the value whatever the pattern.
   */
  pattern?: string
  /** Longest value in characters; of a list, each. Default 1024 when there is a pattern, otherwise no limit. */
  maxLength?: number
  /** `false`: once there it stays. Default true. */
  mayBeRemoved?: boolean
  /** `false`: nobody the rule is about may touch it, not even for the first time. Default true. */
  mayChange?: boolean
  /**
   * `true`: after the update the profile must have it, whatever the update is about. The action must be sent the
   * attribute, otherwise an update of something else looks as if it were missing and is refused. Default false.
   */
  isRequired?: boolean
  /** Whom the rule is about. Default everybody. */
  initiators?: InitiatorType[]
  /** What programs are told. Default: one of {@link DEFAULT_REASONS}. */
  reason?: string
  /** What people are told. Default: a sentence that names the attribute, never a value. */
  description?: string
}

/** What a rule looks at. */
export type ProfileCheck = 'change' | 'removal' | 'required' | 'length' | 'values' | 'pattern'

/** The `reason` of an answer, by what was wrong. */
export const DEFAULT_REASONS: Record<ProfileCheck, string> = {
  change: 'attribute_not_changeable',
  removal: 'attribute_not_removable',
  required: 'attribute_required',
  length: 'attribute_too_long',
  values: 'attribute_value_not_allowed',
  pattern: 'attribute_value_malformed',
}

const DESCRIPTIONS: Record<ProfileCheck, (name: string) => string> = {
  change: name => `The attribute ${name} cannot be changed.`,
  removal: name => `The attribute ${name} cannot be removed.`,
  required: name => `The attribute ${name} is required.`,
  length: name => `The value of ${name} is too long.`,
  values: name => `The value of ${name} is not one of the allowed values.`,
  pattern: name => `The value of ${name} does not have the required form.`,
}

/** One attribute that breaks a rule. Holds names, never values. */
export interface ProfileViolation {
  uri: string
  check: ProfileCheck
  reason: string
  description: string
}

const DEFAULT_MAX_LENGTH = 1024

export const profileRuleSchema: z.ZodMiniType<ProfileRule> = z
  .strictObject({
    claim: z.string().check(z.minLength(1)),
    values: z.exactOptional(z.array(z.string().check(z.minLength(1))).check(z.minLength(1))),
    isCaseSensitive: z.exactOptional(z.boolean()),
    pattern: z.exactOptional(
      z.string().check(z.refine(compiles, 'must be an RE2 pattern, which has no look-around and no back-references')),
    ),
    maxLength: z.exactOptional(z.int().check(z.gte(1))),
    mayBeRemoved: z.exactOptional(z.boolean()),
    mayChange: z.exactOptional(z.boolean()),
    isRequired: z.exactOptional(z.boolean()),
    initiators: z.exactOptional(z.array(z.enum(['ADMIN', 'APPLICATION', 'USER'])).check(z.minLength(1))),
    reason: z.exactOptional(z.string().check(z.minLength(1))),
    description: z.exactOptional(z.string().check(z.minLength(1))),
  })
  .check(
    z.refine(
      ({ values, pattern, maxLength, mayBeRemoved, mayChange, isRequired }) =>
        values || pattern || maxLength || mayBeRemoved === false || mayChange === false || isRequired,
      'checks nothing: give values, pattern, maxLength, mayBeRemoved false, mayChange false or isRequired true',
    ),
  )

export interface ProfileRulesOptions {
  /** All of them must hold. */
  rules: ProfileRule[]
}

export const profileRulesOptionsSchema: z.ZodMiniType<ProfileRulesOptions> = z.strictObject({
  rules: z.array(profileRuleSchema),
})

/**
 * Refuses profile updates that break a rule.
 *
 * The first broken rule gives the reason; people are told what is wrong with every attribute.
 */
export function profileRules(options: ProfileRulesOptions): Handler<'PRE_UPDATE_PROFILE'> {
  const check = createProfileCheck(readOptions('profileRules', profileRulesOptionsSchema, options).rules)
  return event => {
    const broken = check(event)
    const [first] = broken
    if (!first) return allow([], { why: 'profile rules: kept' })
    const descriptions = new Set(broken.map(({ description }) => description))
    const why = broken.map(violation => `${attributeName(violation.uri)} ${violation.check}`).join(', ')
    return deny(first.reason, [...descriptions].join(' '), { why: `profile rules: ${why}` })
  }
}

/**
 * Prepares rules for checking updates.
 *
 * @returns A function from an update to what it breaks, in the order of the rules; empty when it breaks nothing.
 * @throws {Error} When a pattern is no RE2 pattern; {@link profileRuleSchema} says so in advance.
 */
export function createProfileCheck(rules: readonly ProfileRule[]): (update: ProfileUpdate) => ProfileViolation[] {
  const prepared = rules.map(rule => ({ rule, check: prepare(rule) }))
  return update => {
    const changes = profileChanges(update)
    return prepared.flatMap(({ rule, check }) => {
      if (rule.initiators && !rule.initiators.includes(update.initiatorType)) return []
      const touched = changes.filter(({ uri }) => uri === rule.claim)
      const broken = touched.length > 0 ? touched.map(check).find(result => result) : checkUntouched(rule, update)
      if (!broken) return []
      const description = rule.description ?? DESCRIPTIONS[broken](attributeName(rule.claim))
      return { uri: rule.claim, check: broken, reason: rule.reason ?? DEFAULT_REASONS[broken], description }
    })
  }
}

function prepare(rule: ProfileRule): (change: ProfileChange) => ProfileCheck | undefined {
  const comparable = rule.isCaseSensitive ? (text: string) => text.normalize('NFC') : foldText
  const allowed = rule.values && new Set(rule.values.map(comparable))
  const pattern = rule.pattern === undefined ? undefined : RE2JS.compile(rule.pattern)
  const maxLength = rule.maxLength ?? (pattern ? DEFAULT_MAX_LENGTH : Number.POSITIVE_INFINITY)
  return change => {
    if (rule.mayChange === false) return 'change'
    const values = attributeValues(change.after)
    if (rule.isRequired && !hasContent(values)) return 'required'
    if (isRemoval(change)) return rule.mayBeRemoved === false ? 'removal' : undefined
    if (values.some(value => value.length > maxLength)) return 'length'
    if (allowed && !values.every(value => allowed.has(comparable(value)))) return 'values'
    if (pattern && !values.every(value => pattern.matches(value))) return 'pattern'
    return undefined
  }
}

function checkUntouched(rule: ProfileRule, { user }: ProfileUpdate): ProfileCheck | undefined {
  if (!rule.isRequired) return undefined
  const stored = user.claims?.find(({ uri }) => uri === rule.claim)
  return stored && hasContent(attributeValues(stored.value)) ? undefined : 'required'
}

const hasContent = (values: readonly string[]) => values.some(value => value.trim() !== '')

function isSame(one: AttributeValue, other: AttributeValue): boolean {
  const [values, others] = [attributeValues(one), attributeValues(other)]
  return values.length === others.length && values.every((value, index) => value === others[index])
}

function compiles(pattern: string): boolean {
  try {
    RE2JS.compile(pattern)
    return true
  } catch {
    return false
  }
}
