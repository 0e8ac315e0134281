/** The requests to every ready-made extension on every target, and the expected answers. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sampleRequest } from '@preflow/extension/testing'
import { startReputationStandIn } from '@preflow/token-guard/reputation-stand-in'

/** A request and the relevant parts of its answer. */
export interface Exchange {
  request: object
  status: number
  answer: Record<string, unknown>
  /** Runs before the request. */
  before?(): void
}

/** An extension with its settings and its dependencies. */
export interface Scenario {
  env: Record<string, string>
  allowed: Exchange
  denied: Exchange
  failed: Exchange
  close(): Promise<void>
}

const nothing = async () => undefined

function tokenRequestFrom(address: string) {
  return sampleRequest('PRE_ISSUE_ACCESS_TOKEN', {
    event: {
      // Characters beyond ASCII show that every hop reads the body as UTF-8.
      tenant: { name: 'Zürich' },
      request: {
        grantType: 'client_credentials',
        additionalHeaders: [{ name: 'x-client-source-ip', value: [address] }],
      },
    },
  })
}

function passwordRequest(updatingCredential: object) {
  return sampleRequest('PRE_UPDATE_PASSWORD', { event: { user: { updatingCredential } } } as never)
}

function profileRequest(uri: string, value: string) {
  return sampleRequest('PRE_UPDATE_PROFILE', { event: { request: { claims: [{ uri, value }] } } })
}

function scopesRequest(scopes: string[]) {
  return sampleRequest('PRE_ISSUE_ACCESS_TOKEN', {
    event: { request: { grantType: 'client_credentials' }, accessToken: { scopes } },
  })
}

let flows = 0

function signInRequest(user: { id: string } | undefined, flowId: string = `flow-${++flows}`) {
  return sampleRequest('AUTHENTICATION', {
    flowId,
    event: { currentStepIndex: 2, ...(user && { user: { ...user, userIdentitySource: 'LOCAL' } }) },
  } as never)
}

export const scenarios: Record<string, () => Promise<Scenario>> = {
  'token-guard': async () => {
    const service = await startReputationStandIn()
    return {
      env: {
        ABUSEIPDB_API_KEY: 'key of the service',
        ABUSEIPDB_URL: service.url,
        TOKEN_GUARD_BLOCKED_COUNTRIES: 'KP,IR',
        TOKEN_GUARD_COUNTRY_DATABASE: fileURLToPath(
          import.meta.resolve('@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'),
        ),
        TOKEN_GUARD_REPUTATION_CACHE_SECONDS: '0',
      },
      allowed: {
        request: tokenRequestFrom('14.102.69.58'),
        status: 200,
        answer: { actionStatus: 'SUCCESS' },
        before: () => service.setFault(undefined),
      },
      denied: {
        request: tokenRequestFrom('175.45.176.0'),
        status: 200,
        answer: {
          actionStatus: 'FAILED',
          failureReason: 'access_denied',
          failureDescription: 'Access token issuance is blocked from your region KP.',
        },
      },
      failed: {
        request: tokenRequestFrom('205.210.31.51'),
        status: 500,
        answer: { actionStatus: 'ERROR' },
        before: () => service.setFault(503),
      },
      close: service.close,
    }
  },
  'password-guard': async () => ({
    env: { PASSWORD_GUARD_ASKS_RANGE_API: 'false' },
    allowed: {
      request: passwordRequest({ type: 'PASSWORD', format: 'PLAIN_TEXT', value: 'päss–wörd–of–a–heron' }),
      status: 200,
      answer: { actionStatus: 'SUCCESS' },
    },
    denied: {
      request: passwordRequest({ type: 'PASSWORD', format: 'PLAIN_TEXT', value: 'P@ssw0rd' }),
      status: 200,
      answer: { actionStatus: 'FAILED', failureReason: 'password_compromised' },
    },
    failed: {
      request: passwordRequest({
        type: 'PASSWORD',
        format: 'HASH',
        value: Buffer.alloc(32, 7).toString('base64'),
        additionalData: { algorithm: 'SHA256' },
      }),
      status: 400,
      answer: { actionStatus: 'ERROR' },
    },
    close: nothing,
  }),
  'profile-guard': async () => ({
    env: {
      PROFILE_GUARD_ALERTS: 'off',
      PROFILE_GUARD_RULES: '[{"claim":"http://wso2.org/claims/department","values":["Büro","Sales"]}]',
      // Nothing listens on port 9 of this machine.
      PROFILE_GUARD_DIRECTORY_URL: 'http://127.0.0.1:9/{value}',
      PROFILE_GUARD_DIRECTORY_CLAIMS: 'http://wso2.org/claims/costCenter',
    },
    allowed: {
      request: profileRequest('http://wso2.org/claims/department', 'Büro'),
      status: 200,
      answer: { actionStatus: 'SUCCESS' },
    },
    denied: {
      request: profileRequest('http://wso2.org/claims/department', 'Astrology'),
      status: 200,
      answer: { actionStatus: 'FAILED' },
    },
    failed: {
      request: profileRequest('http://wso2.org/claims/costCenter', '4711'),
      status: 500,
      answer: { actionStatus: 'ERROR' },
    },
    close: nothing,
  }),
  'scope-limiter': async () => ({
    env: { SCOPE_LIMITER_ALLOWED_SCOPES: 'read:metrics', SCOPE_LIMITER_NONE_LEFT: 'deny' },
    allowed: {
      request: scopesRequest(['read:metrics', 'write:orders']),
      status: 200,
      answer: { actionStatus: 'SUCCESS', operations: [{ op: 'remove', path: '/accessToken/scopes/1' }] },
    },
    denied: {
      request: scopesRequest(['write:orders']),
      status: 200,
      answer: { actionStatus: 'FAILED', failureReason: 'invalid_scope' },
    },
    failed: {
      request: passwordRequest({ type: 'PASSWORD', format: 'PLAIN_TEXT', value: 'P@ssw0rd' }),
      status: 400,
      answer: { actionStatus: 'ERROR', errorMessage: 'unsupported_action_type' },
    },
    close: nothing,
  }),
  'pin-authenticator': async () => {
    const folder = await mkdtemp(join(tmpdir(), 'preflow-pins-'))
    return {
      env: {
        PIN_AUTHENTICATOR_MODE: 'second_factor',
        PIN_AUTHENTICATOR_PUBLIC_URL: 'https://pin.heron.test',
        PIN_AUTHENTICATOR_PLATFORM_URLS: 'https://id.heron.test',
        PIN_AUTHENTICATOR_PEPPER: 'a pepper with more than 32 characters',
        PIN_AUTHENTICATOR_DATABASE: join(folder, 'pins.sqlite'),
      },
      // Here, allowing means that the browser is redirected to the page.
      allowed: {
        request: signInRequest({ id: 'u-1' }, 'flow-of-one'),
        status: 200,
        answer: { actionStatus: 'INCOMPLETE' },
      },
      denied: {
        request: signInRequest({ id: 'u-2' }, 'flow-of-one'),
        status: 200,
        answer: { actionStatus: 'FAILED', failureReason: 'flow_expired' },
      },
      failed: { request: signInRequest(undefined), status: 400, answer: { actionStatus: 'ERROR' } },
      close: () => rm(folder, { recursive: true }),
    }
  },
}
