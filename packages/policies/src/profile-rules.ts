import type { InitiatorType, ProfileEvent } from '@preflow/contract'
import { allow, deny, type Handler } from '@preflow/extension'
import { RE2JS } from 're2js'
import * as z from 'zod/mini'
import { readOptions } from './options.ts'

/** A user attribute as it is sent: one string, or a list for an attribute that may have several values. */
export type AttributeValue = string | string[]

/** The parts of the event that rules read. */
export type ProfileUpdate = Pick<ProfileEvent, 'initiatorType' | 'request' | 'user'>

/** One attribute that an update changes. */
export interface ProfileChange {
  /** Local claim URI. */
  uri: string
  /**
   * The stored value. Absent: there is none, or the action does not receive this attribute; the event does not show
   * which.
   */
  before?: AttributeValue
  /** The value that will be stored. `''` and `[]` remove the attribute. */
  after: AttributeValue
}

/**
 * The changes of an update.
 *
 * An attribute changes if its URI is present. A removal is sent as `''` or `[]`, so a check for a value would miss it.
 * `request.claims` takes precedence; `updatingValue` counts only for an attribute that is not in it. The stored value
 * is no change.
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

/** Whether the update removes the attribute. */
export function isRemoval({ after }: ProfileChange): boolean {
  return after.length === 0
}

/** The values of an attribute, in either form. A removed attribute has none. */
export function attributeValues(value: AttributeValue): readonly string[] {
  return typeof value === 'string' ? (value === '' ? [] : [value]) : value
}

/**
 * `http://wso2.org/claims/department` is `department`. People see this name, because platforms reject a `/` in answers.
 */
export function attributeName(uri: string): string {
  return uri.slice(Math.max(uri.lastIndexOf('/'), uri.lastIndexOf(':')) + 1) || uri
}

/** Equal for people: the same letters, ignoring composition and case. */
export function foldText(text: string): string {
  return text.normalize('NFC').toLowerCase()
}

/** The rule for one attribute. Everything but `claim` is optional, but at least one check is required. */
export interface ProfileRule {
  /** Local claim URI, for example `http://wso2.org/claims/department`. */
  claim: string
  /** The allowed values; in a list, of each element. */
  values?: string[]
  /** Whether `values` are case-sensitive. Default false. */
  isCaseSensitive?: boolean
  /**
   * What the whole value must match; in a list, each element. RE2 syntax: no look-around and no back-references.
   * Matching takes time proportional to the length of the value, for every pattern.
   */
  pattern?: string
  /**
   * Maximum characters of a value; in a list, of each element. Default 1024 if there is a pattern, otherwise no limit.
   */
  maxLength?: number
  /** `false`: it cannot be removed. Default true. */
  mayBeRemoved?: boolean
  /** `false`: the initiators of the rule cannot change it, not even set it for the first time. Default true. */
  mayChange?: boolean
  /**
   * `true`: after any update the profile must have it. The action must receive the attribute. Otherwise it looks
   * missing, and other updates are rejected. Default false.
   */
  isRequired?: boolean
  /** The initiators to which the rule applies. Default: all. */
  initiators?: InitiatorType[]
  /** Reason for programs. Default: one of {@link DEFAULT_REASONS}. */
  reason?: string
  /** Message for people. Default: a sentence with the name of the attribute, never with a value. */
  description?: string
}

/** The input of a rule. */
export type ProfileCheck = 'change' | 'removal' | 'required' | 'length' | 'values' | 'pattern'

/** The `reason` of an answer, by problem. */
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

/** One attribute that breaks a rule. Contains names, never values. */
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
 * Rejects profile updates that break a rule.
 *
 * The first broken rule sets the reason. The message for people lists the problems of all attributes.
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
 * Compiles rules for checking updates.
 *
 * @returns A function from an update to the broken rules, in the order of the rules; empty if there are none.
 * @throws {Error} If a pattern is not an RE2 pattern; {@link profileRuleSchema} checks this in advance.
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
