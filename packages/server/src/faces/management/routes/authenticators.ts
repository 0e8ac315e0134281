import { z } from 'zod'
import {
  type EndpointInput,
  type EndpointPatch,
  type EndpointView,
  endpointInputSchema,
  endpointPatchSchema,
  endpointViewSchema,
  type Maybe,
  optional,
} from './actions.ts'
import { nothing, oneParameter, type RouteTable } from './route.ts'

/** Whether an authenticator finds out who somebody is, or verifies a second factor of somebody already known. */
export type AuthenticationTypeName = 'IDENTIFICATION' | 'VERIFICATION'

/** The body that creates a custom authenticator. */
export interface CustomAuthenticatorInput {
  /** `custom-` and at least three letters, digits, `_` or `-`. Cannot be changed. */
  name: string
  displayName: string
  /** Default `IDENTIFICATION`. Cannot be changed. */
  authenticationType?: Maybe<AuthenticationTypeName>
  /** Default true. */
  isEnabled?: Maybe<boolean>
  image?: Maybe<string>
  description?: Maybe<string>
  endpoint: EndpointInput
}

/**
 * The body that replaces one. `isEnabled`, and what is left out of the endpoint, stays: nobody can repeat secrets that are never
 * shown.
 */
export interface CustomAuthenticatorUpdate extends Omit<CustomAuthenticatorInput, 'name' | 'endpoint'> {
  /** Only as it is. */
  name?: Maybe<string>
  endpoint?: Maybe<EndpointPatch>
}

/** A way to sign in with an account of this server. */
export interface AuthenticatorSummary {
  /** Base64url of the name. */
  id: string
  name: string
  displayName: string
  isEnabled: boolean
  type: 'LOCAL'
  definedBy: 'SYSTEM' | 'USER'
  tags: string[]
  image?: string
  description?: string
  /** Absent where there is nothing to configure. */
  self?: string
}

/** A custom authenticator as it is shown: never with a secret. */
export interface CustomAuthenticatorView extends AuthenticatorSummary {
  authenticationType: AuthenticationTypeName
  endpoint: EndpointView
  /** What the operator should know of this configuration, one sentence each. Absent: nothing. */
  warnings?: string[]
}

type OneAuthenticator = { authenticatorId: string }

export interface AuthenticatorRoutes {
  listAuthenticators: { params: object; query: object; body: undefined; answers: { 200: AuthenticatorSummary[] } }
  createCustomAuthenticator: {
    params: object
    query: object
    body: CustomAuthenticatorInput
    answers: { 201: CustomAuthenticatorView }
  }
  getCustomAuthenticator: {
    params: OneAuthenticator
    query: object
    body: undefined
    answers: { 200: CustomAuthenticatorView }
  }
  updateCustomAuthenticator: {
    params: OneAuthenticator
    query: object
    body: CustomAuthenticatorUpdate
    answers: { 200: CustomAuthenticatorView }
  }
  deleteCustomAuthenticator: { params: OneAuthenticator; query: object; body: undefined; answers: { 204: undefined } }
}

const authenticationTypeSchema = z.enum(['IDENTIFICATION', 'VERIFICATION'])
const text = z.string().max(1024)

const inputFields = {
  displayName: z.string().max(255),
  authenticationType: optional(authenticationTypeSchema),
  isEnabled: optional(z.boolean()),
  image: optional(text),
  description: optional(z.string().max(255)),
}

export const customAuthenticatorInputSchema: z.ZodType<CustomAuthenticatorInput> = z.strictObject({
  name: z.string().max(255),
  ...inputFields,
  endpoint: endpointInputSchema,
})

export const customAuthenticatorUpdateSchema: z.ZodType<CustomAuthenticatorUpdate> = z.strictObject({
  name: optional(z.string().max(255)),
  ...inputFields,
  endpoint: optional(endpointPatchSchema),
})

const summaryFields = {
  id: z.string(),
  name: z.string(),
  displayName: z.string(),
  isEnabled: z.boolean(),
  type: z.literal('LOCAL'),
  definedBy: z.enum(['SYSTEM', 'USER']),
  tags: z.array(z.string()),
  image: z.string().exactOptional(),
  description: z.string().exactOptional(),
  self: z.string().exactOptional(),
}

export const authenticatorSummarySchema: z.ZodType<AuthenticatorSummary> = z.strictObject(summaryFields)

export const customAuthenticatorViewSchema: z.ZodType<CustomAuthenticatorView> = z.strictObject({
  ...summaryFields,
  authenticationType: authenticationTypeSchema,
  endpoint: endpointViewSchema,
  warnings: z.array(z.string()).exactOptional(),
})

const oneAuthenticator = oneParameter('authenticatorId')

export const authenticatorRoutes: RouteTable<AuthenticatorRoutes> = {
  listAuthenticators: {
    method: 'GET',
    path: '/authenticators',
    summary: 'List the ways to sign in with an account of this server',
    tag: 'Authenticators',
    access: { permission: 'internal_custom_authenticator_view' },
    level: 'organization',
    params: nothing,
    query: nothing,
    answers: { 200: { description: 'The authenticators', schema: z.array(authenticatorSummarySchema) } },
    refusals: [],
  },
  createCustomAuthenticator: {
    method: 'POST',
    path: '/authenticators/custom',
    summary: 'Create a custom authenticator',
    tag: 'Authenticators',
    access: { permission: 'internal_custom_authenticator_create' },
    level: 'organization',
    params: nothing,
    query: nothing,
    body: customAuthenticatorInputSchema,
    answers: { 201: { description: 'The authenticator', schema: customAuthenticatorViewSchema, hasLocation: true } },
    refusals: [400],
  },
  getCustomAuthenticator: {
    method: 'GET',
    path: '/authenticators/custom/{authenticatorId}',
    summary: 'Read a custom authenticator',
    tag: 'Authenticators',
    access: { permission: 'internal_custom_authenticator_view' },
    level: 'organization',
    params: oneAuthenticator,
    query: nothing,
    answers: { 200: { description: 'The authenticator', schema: customAuthenticatorViewSchema } },
    refusals: [400, 404],
  },
  updateCustomAuthenticator: {
    method: 'PUT',
    path: '/authenticators/custom/{authenticatorId}',
    summary: 'Replace a custom authenticator; what is left out of its endpoint stays',
    tag: 'Authenticators',
    access: { permission: 'internal_custom_authenticator_update' },
    level: 'organization',
    params: oneAuthenticator,
    query: nothing,
    body: customAuthenticatorUpdateSchema,
    answers: { 200: { description: 'The authenticator', schema: customAuthenticatorViewSchema } },
    refusals: [400, 404],
  },
  deleteCustomAuthenticator: {
    method: 'DELETE',
    path: '/authenticators/custom/{authenticatorId}',
    summary: 'Delete a custom authenticator that no application uses; one that is not there counts as deleted',
    tag: 'Authenticators',
    access: { permission: 'internal_custom_authenticator_delete' },
    level: 'organization',
    params: oneAuthenticator,
    query: nothing,
    answers: { 204: { description: 'It is gone' } },
    refusals: [400],
  },
}
