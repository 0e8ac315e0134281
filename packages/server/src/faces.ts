import type { IncomingMessage } from 'node:http'
import { present } from '@preflow/contract'
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
import type { SignInPorts } from './faces/sign-in/visit.ts'
import { readBody } from './ground/http/http-body.ts'
import type { MountedApi } from './ground/http/mount.ts'
import { answerWith, type Face } from './ground/http/router.ts'
import { serverProblems } from './ground/http/send.ts'
import { answerStart } from './ground/pages/start.ts'
import type { Ports } from './ground/ports.ts'
import { findApplicationByClientId } from './ground/store/applications.ts'
import type { SecurityLog } from './ground/store/security-log.ts'
import type { TokenAlgorithm } from './ground/store/signing-keys.ts'
import { openFaces } from './routes-with-access.ts'

const MAX_FORM_BYTES = 16_384

/** The table of faces and their paths below a tenant or organization. */
export function createFaces(
  configuration: Configuration & { tokenAlgorithm: TokenAlgorithm },
  ports: Ports,
  domain: Domain & { securityLog: SecurityLog },
): Face<Issuer>[] {
  const { log, newId, now, randomBytes } = ports
  const { db, checkPassword, clientRequestOf, issuers, limits, trigger } = domain
  const { disabledActions } = configuration
  const settings = { maxBodyBytes: configuration.maxRequestBytes }

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
    sessionIdleSeconds: configuration.sessionIdleSeconds,
    maxTokenLifetimeSeconds: configuration.maxTokenLifetimeSeconds,
    maxRefreshLifetimeSeconds: configuration.maxRefreshLifetimeSeconds,
    isClient: async (tenantId, clientId) => (await findApplicationByClientId(db, tenantId, clientId)) !== undefined,
    clientRequestOf,
    checkPassword,
    limits,
    refreshGraceSeconds: configuration.refreshGraceSeconds,
    fetch: domain.fetch,
  })

  const verifyAccessToken = createAccessTokenCheck(db, issuers, issuerServerOf)
  const mount = (paths: RegExp, api: MountedApi): Face<Issuer> => ({
    paths,
    access: 'as each route declares',
    shared: { withAllowed: /^/ },
    answer: answerApi(api, clientRequestOf),
  })
  const { passwordRules } = domain
  const accountPorts = { db, limits, now, newId, randomBytes, log, trigger, passwordRules, verifyAccessToken }
  // Administration has its own connections, so a search through all users delays no token.
  const apiPorts = { ...accountPorts, db: db.lanes.administration, securityLog: domain.securityLog }
  const signInPorts = {
    db,
    log,
    randomBytes,
    clientRequestOf,
    checkPassword,
    rememberBrowser: rememberIn(domain, configuration),
    trigger,
    readForm,
    areAuthenticatorsOff: disabledActions.includes('AUTHENTICATION'),
  }

  return [
    {
      ...openFaces.start,
      answer: async ({ place, request, response }) =>
        answerStart(request, response, { prefix: place.path, ...present({ homeUrl: configuration.homeUrl }) }),
    },
    mount(/^\/api\/server\/v1(\/|$)/, createManagementApi(apiPorts, settings)),
    mount(/^\/scim2(\/|$)/, createScimApi(apiPorts, settings)),
    mount(/^\/api\/users\/v1(\/|$)/, createUsersApi(accountPorts)),
    {
      ...openFaces.invitation,
      answer: ({ place, request, response }) =>
        handleInvitation(request, response, place, { ...accountPorts, readForm }),
    },
    {
      ...openFaces.signIn,
      answer: async ({ place, request, response }) =>
        handleSignIn(request, response, await issuerServerOf(place), signInPorts),
    },
    {
      ...openFaces.protocol,
      answer: async ({ place, request, response }) => (await issuerServerOf(place)).handle(request, response),
    },
  ]
}

function answerApi(api: MountedApi, clientRequestOf: Domain['clientRequestOf']): Face<Issuer>['answer'] {
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

/** Sets the cookie of known browsers. */
function rememberIn({ knownBrowsers }: Domain, { publicUrl }: Configuration): SignInPorts['rememberBrowser'] {
  const isSecure = publicUrl?.startsWith('https:') === true
  return (request, response, user) => {
    const cookie = knownBrowsers.remember(request.headers.cookie, user, isSecure)
    if (cookie !== undefined) response.appendHeader('set-cookie', cookie)
  }
}
