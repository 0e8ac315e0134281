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

/** Whether an authenticator identifies a user, or verifies a second factor of an identified user. */
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
 * The body that replaces a custom authenticator. `isEnabled` and absent members of the endpoint stay, because a client cannot
 * repeat secrets that are never returned.
 */
export interface CustomAuthenticatorUpdate extends Omit<CustomAuthenticatorInput, 'name' | 'endpoint'> {
  /** Only the current name. */
  name?: Maybe<string>
  endpoint?: Maybe<EndpointPatch>
}

/** An authenticator for accounts of this server. */
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
  /** Absent if there is nothing to configure. */
  self?: string
}

/** A custom authenticator in a response, never with a stored secret. */
export interface CustomAuthenticatorView extends AuthenticatorSummary {
  authenticationType: AuthenticationTypeName
  endpoint: EndpointView
  /** Warnings about the configuration, one sentence each. Absent: none. */
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
    summary: 'List the authenticators for accounts of this server',
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
    summary: 'Replace a custom authenticator. Absent fields of its endpoint stay unchanged',
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
    summary: 'Delete a custom authenticator that no application uses. Deleting an unknown one succeeds',
    tag: 'Authenticators',
    access: { permission: 'internal_custom_authenticator_delete' },
    level: 'organization',
    params: oneAuthenticator,
    query: nothing,
    answers: { 204: { description: 'Deleted' } },
    refusals: [400],
  },
}
