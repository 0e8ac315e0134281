import {
  type ActionRequest,
  actionTypes,
  mayDiscloseHeader,
  mayDiscloseParameter,
  type NamedValues,
  present,
  RETURN_CODE_PARAMETER,
} from '@preflow/contract'
import type { ActionCall } from './call.ts'
import { valueAt } from './event-path.ts'
import { allowedOperationsFor } from './offer.ts'
import { trimEvent } from './revision.ts'

/**
 * What is sent: the event in the platform's revision, the client's headers and parameters that action, server and type
 * allow, and never a secret.
 */
export function disclose(call: ActionCall): ActionRequest<object> {
  const { action, flowId, platform, requestId } = call
  const descriptor = actionTypes[action.type]
  const event = discloseRequest(trimEvent(action.type, call.event, platform, {}, action.version), call)
  const allowedOperations = call.allowedOperations ?? allowedOperationsFor(action.type, event, platform)
  return {
    actionType: action.type,
    ...present({ flowId }),
    event: withoutEmpty(event, descriptor.sentWhenEmpty),
    ...(allowedOperations && allowedOperations.length > 0 ? { allowedOperations } : {}),
    ...(platform.disclosing.sendsRequestId ? { requestId } : {}),
  }
}

function discloseRequest(event: object, { action, disclosure, platform }: ActionCall): object {
  const request = valueAt(event, 'request') as
    | { additionalHeaders?: NamedValues[]; additionalParams?: NamedValues[] }
    | undefined
  if (!request?.additionalHeaders && !request?.additionalParams) return event
  const { additionalHeaders = [], additionalParams = [], ...others } = request
  const isOpen = actionTypes[action.type].disclosedByDefault === 'everything'
  const { caseInsensitiveExclusion, excludedHeaders, excludedParameters } = platform.disclosing
  const choose = (
    own: readonly string[] | undefined,
    server: readonly string[] | undefined,
  ): readonly string[] | undefined => {
    if (own && own.length > 0) return own
    if (!isOpen) return []
    return server && server.length > 0 ? server : undefined
  }

  const lower = (name: string) => name.toLowerCase()
  const excludes = caseInsensitiveExclusion ? lower : (name: string) => name
  const listedHeaders = choose(action.endpoint.allowedHeaders, disclosure?.allowedHeaders)
  const isHeaderDisclosed = (name: string) => {
    if (!listedHeaders) return !excludedHeaders.includes(excludes(name))
    // The name is excluded as it is listed. With the reference's old setting, another case is sent.
    return listedHeaders.some(listed => lower(listed) === lower(name) && !excludedHeaders.includes(excludes(listed)))
  }
  const listedParameters = choose(action.endpoint.allowedParameters, disclosure?.allowedParameters)
  const isReturnCode = (name: string) =>
    name === RETURN_CODE_PARAMETER &&
    actionTypes[action.type].mayRedirect &&
    platform.signingIn.forwardsReturnCode === 'always'
  const isParameterDisclosed = (name: string) =>
    isReturnCode(name) || (!excludedParameters.includes(name) && (listedParameters?.includes(name) ?? true))

  return {
    ...event,
    request: {
      ...others,
      additionalHeaders: additionalHeaders
        .filter(header => mayDiscloseHeader(header) && isHeaderDisclosed(header.name))
        .map(({ name, value }) => ({ name: lower(name), value })),
      additionalParams: additionalParams.filter(
        parameter =>
          // A return code may have any form: the extension made it.
          (parameter.name === RETURN_CODE_PARAMETER || mayDiscloseParameter(parameter)) &&
          isParameterDisclosed(parameter.name),
      ),
    },
  }
}

/**
 * Leaves out what the reference's serializer leaves out: null, empty strings and empty lists. Objects stay, even empty
 * ones, except as the `value` of a claim.
 *
 * @returns The same object if nothing is left out, which is the usual case.
 */
export function withoutEmpty<Value>(value: Value, kept: readonly string[]): Value {
  return prune(value, kept) as Value
}

function prune(value: unknown, kept: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    let changed: unknown[] | undefined
    for (let i = 0; i < value.length; i++) {
      const pruned = prune(value[i], kept)
      if (pruned === value[i]) continue
      changed ??= [...value]
      changed[i] = pruned
    }
    return changed ?? value
  }
  const members = value as Record<string, unknown>
  let changed: Record<string, unknown> | undefined
  for (const name in members) {
    if (kept.includes(name)) continue
    const pruned = prune(members[name], kept)
    if (isEmpty(name, pruned)) {
      changed ??= { ...members }
      delete changed[name]
    } else if (pruned !== members[name]) {
      changed ??= { ...members }
      changed[name] = pruned
    }
  }
  return changed ?? members
}

function isEmpty(name: string, value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true
  if (Array.isArray(value)) return value.length === 0
  return name === 'value' && typeof value === 'object' && Object.keys(value).length === 0
}
