import { present } from '@preflow/contract'
import type { JWK } from 'jose'
import type { Adapter, AdapterPayload, Client, ClientMetadata, ResponseType } from 'oidc-provider'
import { errors } from 'oidc-provider'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { findApplicationByClientId } from '../../ground/store/applications.ts'
import { type Database, inTransaction } from '../../ground/store/database.ts'
import type { Application } from '../../ground/store/model.ts'
import {
  consumeArtifact,
  destroyArtifact,
  findArtifact,
  findArtifactByUid,
  findArtifactByUserCode,
  isReplaceable,
  type OidcPayload,
  type Replacement,
  replaceArtifact,
  revokeByGrantId,
  upsertArtifact,
} from '../../ground/store/oidc-artifacts.ts'

/** The adapter that oidc-provider needs, and one more step: replacing an artifact with its successor. */
export interface ArtifactAdapter extends Adapter {
  /**
   * Consumes an artifact and stores its successor, both or neither. Throws `invalid_grant` if another request consumed it first.
   * Then nothing is stored.
   */
  replace(consumedId: string, id: string, payload: AdapterPayload, expiresIn: number): Promise<void>
}

/**
 * Stores the codes, tokens, sessions and grants of one issuer.
 *
 * @param refreshGraceSeconds How long a refresh token can be used again whose successor nobody used. Default: never.
 *
 * Organizations of a tenant share its tables but not their artifacts: a code of one cannot be redeemed at another.
 */
export function createArtifactAdapter(
  db: Database,
  issuer: Issuer,
  name: string,
  refreshGraceSeconds = 0,
): ArtifactAdapter {
  const { tenant } = issuer
  const model = modelAt(issuer, name)
  const read = async (found: Promise<OidcPayload | undefined>) => (await found) as AdapterPayload | undefined
  const graceMs = name === 'RefreshToken' ? refreshGraceSeconds * 1000 : 0
  const replacementOf = (usedId: string): Replacement => ({ tenantId: tenant.id, model, usedId, graceMs })
  return {
    upsert: (id, payload, expiresIn) => upsertArtifact(db, tenant.id, model, id, payload as OidcPayload, expiresIn),
    async find(id) {
      const payload = await read(findArtifact(db, tenant.id, model, id))
      const isAgain = payload?.consumed !== undefined && (await isReplaceable(db, replacementOf(id)))
      // To oidc-provider it is a token that was not used yet. `replace` decides again, in the transaction.
      return isAgain ? { ...payload, consumed: undefined } : payload
    },
    findByUid: uid => read(findArtifactByUid(db, tenant.id, model, uid)),
    findByUserCode: userCode => read(findArtifactByUserCode(db, tenant.id, model, userCode)),
    async consume(id) {
      // oidc-provider checks whether an artifact was used and marks it later. Another request may mark it in between.
      if (!(await consumeArtifact(db, tenant.id, model, id))) throw alreadyUsed(name)
    },
    async replace(consumedId, id, payload, expiresIn) {
      await inTransaction(db, async tx => {
        if (!(await replaceArtifact(tx, replacementOf(consumedId), id))) throw alreadyUsed(name)
        await upsertArtifact(tx, tenant.id, model, id, payload as OidcPayload, expiresIn)
      })
    },
    destroy: id => destroyArtifact(db, tenant.id, model, id),
    revokeByGrantId: grantId => revokeByGrantId(db, tenant.id, grantId),
  }
}

/** The name of a model at one issuer. */
export function modelAt({ organization, tenant }: Issuer, name: string): string {
  return organization.id === tenant.rootOrganizationId ? name : `${name}@${organization.id}`
}

function alreadyUsed(model: string): Error {
  return new errors.InvalidGrant(`${model} was used by another request at the same time`)
}

/** The name of the client's member with its application. */
export const APPLICATION = 'application'

/** The application behind the client of a request. */
export function applicationOf(client: Client | undefined): Application {
  return client?.[APPLICATION] as Application
}

/** Grants by their names for clients and the management API. */
const AUTHORIZATION_CODE = 'authorization_code'
const IMPLICIT = 'implicit'

/** Grants that require client authentication. A public client gets tokens only for a user who takes part. */
export const CONFIDENTIAL_GRANTS: ReadonlySet<string> = new Set([
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:token-exchange',
])

/**
 * Finds the clients of one issuer among the applications of its tenant.
 *
 * @param supportedGrants The grants of the provider. Other grants of an application (SAML, IWA, …) are left out.
 */
export function createClientAdapter(db: Database, issuer: Issuer, supportedGrants: readonly string[]): Adapter {
  const none = async () => undefined
  const never = async () => {
    throw new Error('Only the management API changes applications.')
  }
  return {
    async find(clientId) {
      const application = await findApplicationByClientId(db, issuer.tenant.id, clientId)
      if (application?.isEnabled === false) return undefined
      return application && (clientOf(application, supportedGrants) as unknown as AdapterPayload)
    },
    findByUid: none,
    findByUserCode: none,
    upsert: never,
    consume: never,
    destroy: never,
    revokeByGrantId: never,
  }
}

function clientOf(application: Application, supportedGrants: readonly string[]): ClientMetadata {
  const { grantTypes } = application
  const redirects = application.callbackUrls.filter(isUsableRedirect)
  const isImplicit = grantTypes.includes(IMPLICIT)
  const isCode = grantTypes.includes(AUTHORIZATION_CODE)
  return {
    client_id: application.clientId,
    client_name: application.name,
    ...authenticationOf(application),
    require_pushed_authorization_requests: application.mustPushRequests ?? false,
    grant_types: grantTypes.filter(
      grant => supportedGrants.includes(grant) && !(application.isPublicClient && CONFIDENTIAL_GRANTS.has(grant)),
    ),
    redirect_uris: redirects,
    post_logout_redirect_uris: redirects,
    ...(application.backChannelLogoutUrl !== undefined && {
      backchannel_logout_uri: application.backChannelLogoutUrl,
      backchannel_logout_session_required: true,
    }),
    ...present({ id_token_signed_response_alg: application.idTokenAlgorithm }),
    response_types:
      redirects.length === 0
        ? []
        : [
            ...(isCode ? (['code'] as const) : []),
            ...(isImplicit ? (['id_token', 'id_token token'] as const) : []),
            ...(isCode ? ((application.hybridResponseTypes ?? []) as ResponseType[]) : []),
          ],
    [APPLICATION]: application,
  }
}

/** The client's authentication. */
function authenticationOf({
  clientAuthAlgorithm,
  clientAuthMethod = 'client_secret_basic',
  clientSecret,
  isPublicClient,
  publicKeys,
}: Application): Partial<ClientMetadata> {
  if (isPublicClient) return { token_endpoint_auth_method: 'none' }
  if (clientAuthMethod !== 'private_key_jwt' || !publicKeys) {
    return { token_endpoint_auth_method: clientAuthMethod, ...present({ client_secret: clientSecret }) }
  }
  return {
    token_endpoint_auth_method: clientAuthMethod,
    ...present({ token_endpoint_auth_signing_alg: clientAuthAlgorithm }),
    ...('jwk' in publicKeys ? { jwks: { keys: [publicKeys.jwk as JWK] } } : { jwks_uri: publicKeys.jwksUri }),
  } as Partial<ClientMetadata>
}

/** Whether an address can be a callback. One that would make the whole client invalid, or run as a script, cannot. */
function isUsableRedirect(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && url.hash === '' && !text.endsWith('#') && !SCRIPT_SCHEMES.has(url.protocol)
}

const SCRIPT_SCHEMES = new Set(['javascript:', 'vbscript:', 'data:', 'blob:', 'file:', 'about:'])
