import {
  type ActionType,
  actionTypes,
  ENDPOINT_AUTHENTICATION_PROPERTIES,
  type EndpointAuthenticationType,
  type FailureMode,
  type PlatformName,
  platforms,
  type Rule,
} from '@preflow/contract'
import { z } from 'zod'
import { nothing, oneParameter, pageSize, pathSegment, type RouteTable } from './route.ts'

/** `null` means the same as an absent field, as in the reference. */
export type Maybe<Value> = Value | null

/** The authentication of calls to the extension. A table of the contract lists the properties of each type. */
export interface AuthenticationInput {
  type: EndpointAuthenticationType
  properties?: Maybe<Record<string, string | null>>
}

/**
 * Secrets for signing requests with Standard Webhooks, beyond the reference. Write-only, at most two at a time, newest first.
 * `generate` creates one, keeps the previous one, and returns the new one only in that response.
 */
export interface SigningInput {
  secrets?: Maybe<string[]>
  generate?: Maybe<boolean>
}

export interface EndpointInput {
  uri: string
  authentication: AuthenticationInput
  allowedHeaders?: Maybe<string[]>
  allowedParameters?: Maybe<string[]>
  signing?: Maybe<SigningInput>
}

/** Changes of an endpoint. Absent members stay. */
export type EndpointPatch = { [Name in keyof EndpointInput]?: Maybe<EndpointInput[Name]> }

/** A rule. `{}` removes it. */
export interface RuleInput {
  condition?: Maybe<'OR'>
  rules?: Maybe<RuleGroupInput[]>
}

export interface RuleGroupInput {
  condition: 'AND'
  expressions: { field: string; operator: string; value: string }[]
}

export interface PasswordSharingInput {
  format: 'PLAIN_TEXT' | 'SHA256_HASHED'
  /** An X.509 certificate in PEM with an RSA key, encoded in base64. The password is then sent as a JWE. */
  certificate?: Maybe<string>
}

/** The body that creates an action. */
export interface ActionInput {
  name: string
  description?: Maybe<string>
  endpoint: EndpointInput
  rule?: Maybe<RuleInput>
  attributes?: Maybe<string[]>
  /** Only for types that share a password, and required there. */
  passwordSharing?: Maybe<PasswordSharingInput>
  /** Beyond the reference: the effect of a failed call. Default `error`, as in the reference. */
  onFailure?: Maybe<FailureMode>
  /** Beyond the reference: the platform to reproduce. `default` is the server's platform. */
  platform?: Maybe<PlatformName | 'default'>
}

/** The body that changes an action. Absent members stay. */
export interface ActionPatch {
  name?: Maybe<string>
  description?: Maybe<string>
  version?: Maybe<string>
  endpoint?: Maybe<EndpointPatch>
  rule?: Maybe<RuleInput>
  attributes?: Maybe<string[]>
  passwordSharing?: Maybe<{ format?: Maybe<PasswordSharingInput['format']>; certificate?: Maybe<string> }>
  onFailure?: Maybe<FailureMode>
  platform?: Maybe<PlatformName | 'default'>
}

/** An action in a list, without its endpoint. */
export interface ActionSummary {
  id: string
  type: ActionType
  name: string
  description?: string
  status: 'ACTIVE' | 'INACTIVE'
  version: string
  /** ISO 8601. */
  createdAt: string
  updatedAt: string
  links: { href: string; method: 'GET'; rel: 'self' }[]
}

/** An endpoint in a response, never with a stored secret. */
export interface EndpointView {
  uri: string
  authentication: { type: EndpointAuthenticationType; properties?: Record<string, string> }
  allowedHeaders?: string[]
  allowedParameters?: string[]
  /** `generatedSecret` appears once, in the response to the request that generated it. */
  signing?: { activeSecrets: number; generatedSecret?: string }
}

/** An action in a response, never with a stored secret. */
export interface ActionView extends Omit<ActionSummary, 'links'> {
  endpoint: EndpointView
  rule?: Rule
  attributes?: string[]
  passwordSharing?: { format: PasswordSharingInput['format']; certificate?: string }
  onFailure: FailureMode
  platform?: PlatformName
}

export interface ActionTypeSummary {
  type: ActionType
  displayName: string
  description: string
  /** Number of actions of the type, active or not. */
  count: number
  self: string
}

/** A field for rules. */
export interface RuleFieldView {
  field: { name: string; displayName: string }
  operators: { name: string; displayName: string }[]
  value: {
    inputType: 'input' | 'options'
    valueType: 'string' | 'number' | 'boolean' | 'date' | 'reference'
    valueReferenceAttribute?: string
    valueDisplayAttribute?: string
    links?: { href: string; method: 'GET'; rel: string }[]
    values?: { name: string; displayName: string }[]
  }
}

/** A user attribute that an action may select. */
export interface LocalClaimView {
  claimURI: string
  displayName: string
}

export interface ActionRoutes {
  listActionTypes: { params: object; query: object; body: undefined; answers: { 200: ActionTypeSummary[] } }
  createAction: {
    params: { actionType: string }
    query: object
    body: ActionInput
    answers: { 201: ActionView }
  }
  listActions: { params: { actionType: string }; query: object; body: undefined; answers: { 200: ActionSummary[] } }
  getAction: {
    params: { actionType: string; actionId: string }
    query: object
    body: undefined
    answers: { 200: ActionView }
  }
  updateAction: {
    params: { actionType: string; actionId: string }
    query: object
    body: ActionPatch
    answers: { 200: ActionView }
  }
  deleteAction: {
    params: { actionType: string; actionId: string }
    query: object
    body: undefined
    answers: { 204: undefined }
  }
  activateAction: {
    params: { actionType: string; actionId: string }
    query: object
    body: undefined
    answers: { 200: ActionSummary }
  }
  deactivateAction: {
    params: { actionType: string; actionId: string }
    query: object
    body: undefined
    answers: { 200: ActionSummary }
  }
  getRuleMetadata: { params: object; query: { flow: string }; body: undefined; answers: { 200: RuleFieldView[] } }
  listLocalClaims: { params: object; query: { limit?: number }; body: undefined; answers: { 200: LocalClaimView[] } }
}

const authenticationTypes = Object.keys(ENDPOINT_AUTHENTICATION_PROPERTIES) as [
  EndpointAuthenticationType,
  ...EndpointAuthenticationType[],
]
const platformNames = Object.keys(platforms) as [PlatformName, ...PlatformName[]]

/** An optional field. `null` means absent. */
export function optional<Schema extends z.ZodType>(schema: Schema): z.ZodExactOptional<z.ZodNullable<Schema>> {
  return schema.nullable().exactOptional()
}

export const authenticationInputSchema: z.ZodType<AuthenticationInput> = z.strictObject({
  type: z.enum(authenticationTypes),
  properties: optional(z.record(z.string(), z.string().nullable())),
})

/** `whsec_` and the base64 of 24 to 64 bytes, as in Standard Webhooks. */
const signingSecretSchema = z.string().regex(/^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/)

const signingInputSchema: z.ZodType<SigningInput> = z.strictObject({
  secrets: optional(z.array(signingSecretSchema).max(2)),
  generate: optional(z.boolean()),
})

const uriSchema = z.string().regex(/^https?:\/\/.+/)
const namesSchema = z.array(z.string()).max(200)

const endpointFields = {
  allowedHeaders: optional(namesSchema),
  allowedParameters: optional(namesSchema),
  signing: optional(signingInputSchema),
}

export const endpointInputSchema: z.ZodType<EndpointInput> = z.strictObject({
  uri: uriSchema,
  authentication: authenticationInputSchema,
  ...endpointFields,
})

/** Absent members stay unchanged. */
export const endpointPatchSchema: z.ZodType<EndpointPatch> = z.strictObject({
  uri: optional(uriSchema),
  authentication: optional(authenticationInputSchema),
  ...endpointFields,
})

export const ruleInputSchema: z.ZodType<RuleInput> = z.strictObject({
  condition: optional(z.literal('OR')),
  rules: optional(
    z
      .array(
        z.strictObject({
          condition: z.literal('AND'),
          expressions: z
            .array(z.strictObject({ field: z.string(), operator: z.string(), value: z.string() }))
            .min(1)
            .max(100),
        }),
      )
      .min(1)
      .max(100),
  ),
})

const nameSchema = z.string().min(1).max(255)
const passwordFormatSchema = z.enum(['PLAIN_TEXT', 'SHA256_HASHED'])

const sharedFields = {
  description: optional(z.string().max(255)),
  rule: optional(ruleInputSchema),
  attributes: optional(namesSchema),
  onFailure: optional(z.enum(['error', 'deny', 'continue'])),
  platform: optional(z.enum([...platformNames, 'default'])),
}

export const actionInputSchema: z.ZodType<ActionInput> = z.strictObject({
  name: nameSchema,
  ...sharedFields,
  endpoint: endpointInputSchema,
  passwordSharing: optional(
    z.strictObject({ format: passwordFormatSchema, certificate: optional(z.string().max(65_536)) }),
  ),
})

export const actionPatchSchema: z.ZodType<ActionPatch> = z.strictObject({
  name: optional(nameSchema),
  version: optional(z.string().max(20)),
  ...sharedFields,
  endpoint: optional(endpointPatchSchema),
  passwordSharing: optional(
    z.strictObject({ format: optional(passwordFormatSchema), certificate: optional(z.string().max(65_536)) }),
  ),
})

export const actionTypeSchema: z.ZodType<ActionType> = z.enum(Object.keys(actionTypes) as [ActionType, ...ActionType[]])
const instantSchema = z.iso.datetime()

const summaryFields = {
  id: z.string(),
  type: actionTypeSchema,
  name: z.string(),
  description: z.string().exactOptional(),
  status: z.enum(['ACTIVE', 'INACTIVE']),
  version: z.string(),
  createdAt: instantSchema,
  updatedAt: instantSchema,
}

export const actionSummarySchema: z.ZodType<ActionSummary> = z.strictObject({
  ...summaryFields,
  links: z.array(z.strictObject({ href: z.string(), method: z.literal('GET'), rel: z.literal('self') })),
})

export const endpointViewSchema: z.ZodType<EndpointView> = z.strictObject({
  uri: z.string(),
  authentication: z.strictObject({
    type: z.enum(authenticationTypes),
    properties: z
      .strictObject({
        username: z.string().exactOptional(),
        header: z.string().exactOptional(),
        clientId: z.string().exactOptional(),
        tokenEndpoint: z.string().exactOptional(),
        scopes: z.string().exactOptional(),
      })
      .exactOptional() as unknown as z.ZodExactOptional<z.ZodType<Record<string, string>>>,
  }),
  allowedHeaders: z.array(z.string()).exactOptional(),
  allowedParameters: z.array(z.string()).exactOptional(),
  signing: z
    .strictObject({ activeSecrets: z.number(), generatedSecret: signingSecretSchema.exactOptional() })
    .exactOptional(),
})

export const actionViewSchema: z.ZodType<ActionView> = z.strictObject({
  ...summaryFields,
  endpoint: endpointViewSchema,
  rule: z
    .strictObject({
      condition: z.literal('OR'),
      rules: z.array(
        z.strictObject({
          condition: z.literal('AND'),
          expressions: z.array(
            z.strictObject({ field: z.string(), operator: z.enum(['equals', 'notEquals']), value: z.string() }),
          ),
        }),
      ),
    })
    .exactOptional(),
  attributes: z.array(z.string()).exactOptional(),
  passwordSharing: z
    .strictObject({ format: passwordFormatSchema, certificate: z.string().exactOptional() })
    .exactOptional(),
  onFailure: z.enum(['error', 'deny', 'continue']),
  platform: z.enum(platformNames).exactOptional(),
})

export const actionTypeSummarySchema: z.ZodType<ActionTypeSummary> = z.strictObject({
  type: actionTypeSchema,
  displayName: z.string(),
  description: z.string(),
  count: z.number(),
  self: z.string(),
})

export const ruleFieldViewSchema: z.ZodType<RuleFieldView> = z.strictObject({
  field: z.strictObject({ name: z.string(), displayName: z.string() }),
  operators: z.array(z.strictObject({ name: z.string(), displayName: z.string() })),
  value: z.strictObject({
    inputType: z.enum(['input', 'options']),
    valueType: z.enum(['string', 'number', 'boolean', 'date', 'reference']),
    valueReferenceAttribute: z.string().exactOptional(),
    valueDisplayAttribute: z.string().exactOptional(),
    links: z.array(z.strictObject({ href: z.string(), method: z.literal('GET'), rel: z.string() })).exactOptional(),
    values: z.array(z.strictObject({ name: z.string(), displayName: z.string() })).exactOptional(),
  }),
})

export const localClaimViewSchema: z.ZodType<LocalClaimView> = z.strictObject({
  claimURI: z.string(),
  displayName: z.string(),
})

const ofType = oneParameter('actionType')
const oneAction: z.ZodType<{ actionType: string; actionId: string }> = z.object({
  actionType: pathSegment,
  actionId: pathSegment,
})

export const actionRoutes: RouteTable<ActionRoutes> = {
  listActionTypes: {
    method: 'GET',
    path: '/actions/types',
    summary: 'List the action types',
    tag: 'Actions',
    access: { permission: 'internal_action_mgt_view' },
    level: 'organization',
    params: nothing,
    query: nothing,
    answers: { 200: { description: 'The types', schema: z.array(actionTypeSummarySchema) } },
    refusals: [],
  },
  createAction: {
    method: 'POST',
    path: '/actions/{actionType}',
    summary: 'Create an inactive action',
    tag: 'Actions',
    access: { permission: 'internal_action_mgt_create' },
    level: 'organization',
    params: ofType,
    query: nothing,
    body: actionInputSchema,
    answers: { 201: { description: 'The action', schema: actionViewSchema, hasLocation: true } },
    refusals: [400, 501],
  },
  listActions: {
    method: 'GET',
    path: '/actions/{actionType}',
    summary: 'List the actions of a type',
    tag: 'Actions',
    access: { permission: 'internal_action_mgt_view' },
    level: 'organization',
    params: ofType,
    query: nothing,
    answers: { 200: { description: 'The actions', schema: z.array(actionSummarySchema) } },
    refusals: [400, 501],
  },
  getAction: {
    method: 'GET',
    path: '/actions/{actionType}/{actionId}',
    summary: 'Read an action',
    tag: 'Actions',
    access: { permission: 'internal_action_mgt_view' },
    level: 'organization',
    params: oneAction,
    query: nothing,
    answers: { 200: { description: 'The action', schema: actionViewSchema } },
    refusals: [400, 404, 501],
  },
  updateAction: {
    method: 'PATCH',
    path: '/actions/{actionType}/{actionId}',
    summary: 'Change an action. Absent fields stay unchanged',
    tag: 'Actions',
    access: { permission: 'internal_action_mgt_update' },
    level: 'organization',
    params: oneAction,
    query: nothing,
    body: actionPatchSchema,
    answers: { 200: { description: 'The action', schema: actionViewSchema } },
    refusals: [400, 404, 501],
  },
  deleteAction: {
    method: 'DELETE',
    path: '/actions/{actionType}/{actionId}',
    summary: 'Delete an action. Deleting an unknown action succeeds',
    tag: 'Actions',
    access: { permission: 'internal_action_mgt_delete' },
    level: 'organization',
    params: oneAction,
    query: nothing,
    answers: { 204: { description: 'Deleted' } },
    refusals: [400, 501],
  },
  activateAction: {
    method: 'POST',
    path: '/actions/{actionType}/{actionId}/activate',
    summary: 'Activate an action',
    tag: 'Actions',
    access: { permission: 'internal_action_mgt_update' },
    level: 'organization',
    params: oneAction,
    query: nothing,
    answers: { 200: { description: 'The action', schema: actionSummarySchema } },
    refusals: [400, 404, 501],
  },
  deactivateAction: {
    method: 'POST',
    path: '/actions/{actionType}/{actionId}/deactivate',
    summary: 'Deactivate an action',
    tag: 'Actions',
    access: { permission: 'internal_action_mgt_update' },
    level: 'organization',
    params: oneAction,
    query: nothing,
    answers: { 200: { description: 'The action', schema: actionSummarySchema } },
    refusals: [400, 404, 501],
  },
  getRuleMetadata: {
    method: 'GET',
    path: '/rules/metadata',
    summary: 'List the fields for rules of an action type',
    tag: 'Rules',
    access: { permission: 'internal_rule_metadata_view' },
    level: 'organization',
    params: nothing,
    query: z.object({ flow: z.string() }),
    answers: { 200: { description: 'The fields', schema: z.array(ruleFieldViewSchema) } },
    refusals: [400],
  },
  listLocalClaims: {
    method: 'GET',
    path: '/claim-dialects/local/claims',
    summary: 'List the user attributes',
    tag: 'Rules',
    access: { permission: 'internal_claim_meta_view' },
    level: 'organization',
    params: nothing,
    query: z.object({ limit: pageSize(1000).exactOptional() }),
    answers: { 200: { description: 'The attributes', schema: z.array(localClaimViewSchema) } },
    refusals: [400],
  },
}
