/** How the platform authenticates to the extension, with the secrets it needs. Property names are the wire's. */
export type EndpointAuthentication =
  | { type: 'NONE' }
  | { type: 'BASIC'; properties: { username: string; password: string } }
  | { type: 'BEARER'; properties: { accessToken: string } }
  | { type: 'API_KEY'; properties: { header: string; value: string } }
  | {
      type: 'CLIENT_CREDENTIAL'
      properties: { clientId: string; clientSecret: string; tokenEndpoint: string; scopes?: string }
    }
  | {
      type: 'PASSWORD_CREDENTIAL'
      properties: {
        clientId: string
        clientSecret: string
        tokenEndpoint: string
        username: string
        password: string
        scopes?: string
      }
    }

export type EndpointAuthenticationType = EndpointAuthentication['type']

/** Properties of each type: which are required, and which an API response may show. */
export const ENDPOINT_AUTHENTICATION_PROPERTIES: Record<
  EndpointAuthenticationType,
  { required: readonly string[]; optional: readonly string[]; shown: readonly string[] }
> = {
  NONE: { required: [], optional: [], shown: [] },
  BASIC: { required: ['username', 'password'], optional: [], shown: ['username'] },
  BEARER: { required: ['accessToken'], optional: [], shown: [] },
  API_KEY: { required: ['header', 'value'], optional: [], shown: ['header'] },
  CLIENT_CREDENTIAL: {
    required: ['clientId', 'clientSecret', 'tokenEndpoint'],
    optional: ['scopes'],
    shown: ['clientId', 'tokenEndpoint', 'scopes'],
  },
  PASSWORD_CREDENTIAL: {
    required: ['clientId', 'clientSecret', 'tokenEndpoint', 'username', 'password'],
    optional: ['scopes'],
    shown: ['clientId', 'tokenEndpoint', 'username', 'scopes'],
  },
}
