import type { IncomingMessage } from 'node:http'
import type { Configuration } from './configuration.ts'
import type { Issuer } from './domain/tenants/issuer.ts'
import type { Domain } from './domain.ts'
import { handleInvitation } from './faces/account/invitation-page.ts'
import { createUsersApi } from './faces/account/users-api.ts'
import { createManagementApi } from './faces/management/management-api.ts'
import { createIssuerServers } from './faces/oauth/provider.ts'
import { createAccessTokenCheck } from './faces/oauth/verify-access-token.ts'
import { createScimApi } from './faces/scim/scim-api.ts'
import { handleSignIn } from './faces/sign-in/sign-in.ts'
import { readBody } from './ground/http/http-body.ts'
import type { Mounted } from './ground/http/mounted.ts'
import { answerWith, type Face } from './ground/http/router.ts'
import { serverProblems } from './ground/http/send.ts'
import type { Ports } from './ground/ports.ts'
import { findApplicationByClientId } from './ground/store/applications.ts'
import type { TokenAlgorithm } from './ground/store/signing-keys.ts'

const MAX_FORM_BYTES = 16_384

/** The table of faces: what answers which paths below a tenant or organization. */
export function createFaces(
  configuration: Configuration & { tokenAlgorithm: TokenAlgorithm },
  ports: Ports,
  domain: Domain,
): Face<Issuer>[] {
  const { log, newId, now, randomBytes } = ports
  const { db, checkPassword, clientRequestOf, issuers, trigger } = domain
  const { deriveSecret } = db.seal
  const { disabledActions } = configuration
  const limits = { maxBodyBytes: configuration.maxRequestBytes }

  const issuerServerOf = createIssuerServers({
    db,
    log,
    newId,
    now,
    randomBytes,
    trigger,
    isDisabled: type => disabledActions.includes(type),
    tokenAlgorithm: configuration.tokenAlgorithm,
    sessionLifetimeSeconds: configuration.sessionLifetimeSeconds,
    maxTokenLifetimeSeconds: configuration.maxTokenLifetimeSeconds,
    maxRefreshLifetimeSeconds: configuration.maxRefreshLifetimeSeconds,
    isClient: async (tenantId, clientId) => (await findApplicationByClientId(db, tenantId, clientId)) !== undefined,
    deriveSecret,
    clientRequestOf,
    checkPassword,
    fetch: domain.fetch,
  })

  const verifyAccessToken = createAccessTokenCheck(issuers, issuerServerOf)
  const mount = (api: Api) => mountApi(api, clientRequestOf)
  const accountPorts = { db, now, newId, randomBytes, log, trigger, verifyAccessToken }
  // Administration waits for itself only: a search through all users holds up no token.
  const apiPorts = { ...accountPorts, db: db.lanes.administration }
  const signInPorts = {
    db,
    log,
    randomBytes,
    deriveSecret,
    clientRequestOf,
    checkPassword,
    trigger,
    readForm,
    areAuthenticatorsOff: disabledActions.includes('AUTHENTICATION'),
  }

  return [
    { paths: /^\/api\/server\/v1(\/|$)/, answer: mount(createManagementApi(apiPorts, limits)) },
    { paths: /^\/scim2(\/|$)/, answer: mount(createScimApi(apiPorts, limits)) },
    { paths: /^\/api\/users\/v1(\/|$)/, answer: mount(createUsersApi(accountPorts)) },
    {
      paths: /^\/set-password$/,
      answer: ({ place, request, response }) =>
        handleInvitation(request, response, place, { ...accountPorts, readForm }),
    },
    {
      paths: /^\/sign-in\/[^/]+$/,
      answer: async ({ place, request, response }) =>
        handleSignIn(request, response, await issuerServerOf(place), signInPorts),
    },
    {
      paths: /^\/(oauth2|oidc|device|\.well-known)(\/|$)/,
      answer: async ({ place, request, response }) => (await issuerServerOf(place)).handle(request, response),
    },
  ]
}

/** A face that answers `Request` with `Response`. */
interface Api {
  fetch(request: Request, mounted: Mounted): Promise<Response>
}

function mountApi(api: Api, clientRequestOf: Domain['clientRequestOf']): Face<Issuer>['answer'] {
  return answerWith((request, { place, request: message }) => {
    const { path: prefix, tenant, organization, url } = place
    const { origin } = new URL(url)
    return api.fetch(request, { tenant, organization, prefix, origin, address: clientRequestOf(message).address })
  })
}

async function readForm(form: IncomingMessage): Promise<URLSearchParams> {
  const length = form.headers['content-length']
  return new URLSearchParams((await readBody(form, length, MAX_FORM_BYTES, serverProblems.formTooLarge)).toString())
}
