import { requestProblems } from '../../ground/http/request-problems.ts'
import { Problem } from '../../ground/problem.ts'

const problem = (status: number, code: string, title: string, sentence: string) =>
  new Problem(status, `ACTION-${code}`, sentence, { title })

const UNABLE = 'Unable to perform the operation.'

/**
 * The problems of the actions API, with the reference's codes and wording. The reference uses 60011 to 60013 twice: in its API
 * layer and in the service below. Clients distinguish them by the message.
 */
export const actionProblems = {
  invalidType: () => problem(400, '60001', 'Invalid action type.', 'Invalid action type used for path parameter.'),
  maximumReached: () =>
    problem(400, '60002', 'Unable to create an Action.', 'Maximum number of actions per action type is reached.'),
  noSuchAction: () => problem(404, '60003', UNABLE, 'No Action is configured on the given Action Type and Id.'),
  empty: (field: string) => problem(400, '60004', 'Invalid request.', `${field} is empty.`),
  invalid: (field: string) => problem(400, '60005', 'Invalid request.', `${field} is invalid.`),
  invalidProperties: (sentence: string) => problem(400, '60006', 'Provided Action Properties are invalid.', sentence),
  headersNotAllowed: () =>
    problem(
      400,
      '60007',
      'Provided Headers are not allowed.',
      'One or more provided headers are not allowed by the server.',
    ),
  parametersNotAllowed: () =>
    problem(
      400,
      '60008',
      'Provided Parameters are not allowed.',
      'One or more provided parameters are not allowed by the server.',
    ),
  notLatestVersion: (latest: string) =>
    problem(
      400,
      '60009',
      'Invalid action version update request.',
      `Only allowed to update to the latest Action version: ${latest}. Ensure that only the major version is provided.`,
    ),
  credentialsMissing: () =>
    problem(400, '60010', UNABLE, 'Required authentication properties are not provided or invalid.'),
  credentialsInUri: () =>
    requestProblems.invalid(
      'endpoint.uri: must not contain a user name or password, because every reader could see it. Use endpoint.authentication.',
    ),
  credentialsInClear: () =>
    requestProblems.invalid(
      'endpoint.uri: the credentials would cross the internet unencrypted. Use an https endpoint, or the type NONE.',
    ),
  credentialsNotSendable: (property: string) =>
    requestProblems.invalid(
      `endpoint.authentication: ${property} contains characters that an HTTP header cannot carry. Remove them.`,
    ),
  credentialsEmpty: () => problem(400, '60011', UNABLE, 'Authentication property values cannot be empty.'),
  tooManyAttributes: (count: number, maximum: number) =>
    problem(
      400,
      '60011',
      'Maximum attributes limit exceeded.',
      `The number of configured attributes: ${count} exceeds the maximum allowed limit: ${maximum}`,
    ),
  notFound: () =>
    problem(404, '60012', 'Action is not found.', 'No action is found for given action id and action type'),
  unknownAttribute: (attribute: string) =>
    problem(
      400,
      '60012',
      'Invalid attribute provided.',
      `The provided ${attribute} attribute is not available in the system.`,
    ),
  attributeNotShared: (attribute: string) =>
    problem(
      400,
      '60012',
      'Not supported.',
      `The provided ${attribute} attribute is not supported to be shared with extension.`,
    ),
  invalidRule: (sentence: string) => problem(400, '60013', 'Invalid rule.', sentence),
  malformedBody: () =>
    problem(400, '60014', 'Invalid Request body.', 'Provided request body content is not in the expected format.'),
  notForOrganizations: (type: string) =>
    problem(
      403,
      '60015',
      'Action type is not allowed.',
      `The requested action type: ${type} is not allowed at the organization level.`,
    ),
  headersNotSupported: (type: string) =>
    problem(400, '60016', UNABLE, `Allowed headers are not supported for the action type: ${type}.`),
  parametersNotSupported: (type: string) =>
    problem(400, '60017', UNABLE, `Allowed parameters are not supported for the action type: ${type}.`),
  typeNotImplemented: () =>
    problem(501, '650015', UNABLE, 'The requested action type is not currently supported by the server.'),
  rulesNotSupported: () =>
    problem(501, '650016', UNABLE, 'Rules are not supported for the specified action type by the server.'),
  attributesNotSupported: (type: string) =>
    problem(501, '65018', UNABLE, `Attributes are not currently supported for the action type: ${type}.`),
}
