import {
  type ActionType,
  actionTypes,
  contractRevision,
  type EndpointAuthentication,
  type Platform,
  present,
} from '@preflow/contract'
import type { Scenario } from '@preflow/contract/guides'
import type { ActionCall } from '@preflow/engine'

/** The extension that is called, and how the platform proves itself to it. */
export interface Target {
  url: string
  authentication: EndpointAuthentication
  /** Standard Webhooks secrets: each call is signed with all of them. */
  signingSecrets: readonly string[]
}

/** Whether calls prove who makes them. */
export function isProtected({ authentication, signingSecrets }: Target): boolean {
  return authentication.type !== 'NONE' || signingSecrets.length > 0
}

/** What names one call: the same for every platform and attempt. */
export interface CallIdentity {
  requestId: string
  /** Sent by types whose flows span several calls. */
  flowId: string
}

/** The major version that a new action of this type gets on a platform: `v1`. */
export function actionVersion(type: ActionType, platform: Platform): string {
  const revision = contractRevision(platform, type) ?? actionTypes[type].revisions[0] ?? '1'
  return `v${Number.parseInt(revision, 10)}`
}

/** The call as an identity server on this platform makes it. */
export function actionCall(
  type: ActionType,
  { event, allowedParameters }: Pick<Scenario, 'event' | 'allowedParameters'>,
  platform: Platform,
  target: Target,
  { requestId, flowId }: CallIdentity,
  version: string = actionVersion(type, platform),
): ActionCall {
  const { url, authentication, signingSecrets } = target
  return {
    action: {
      id: 'preflow-sample',
      type,
      version,
      endpoint: {
        uri: url,
        authentication,
        signingSecrets,
        ...present({ allowedParameters }),
      },
    },
    platform,
    event: event(platform),
    facts: {},
    requestId,
    ...(actionTypes[type].category === 'IN_FLOW' && { flowId }),
  }
}
