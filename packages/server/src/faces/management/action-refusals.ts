import { Refusal } from '../../ground/http/refusal.ts'

/**
 * The refusals of the actions API with the reference's codes and words. Codes 60011 to 60013 exist twice there with different
 * meanings: the first ones come from its API layer, the second from the service below. Clients tell them apart by the message.
 */
const refusal =
  (status: number, code: string, message: string) =>
  (description: string): Refusal =>
    new Refusal(status, `ACTION-${code}`, message, description)

const UNABLE = 'Unable to perform the operation.'

export const actionRefusals = {
  invalidType: () => refusal(400, '60001', 'Invalid action type.')('Invalid action type used for path parameter.'),
  maximumReached: () =>
    refusal(400, '60002', 'Unable to create an Action.')('Maximum number of actions per action type is reached.'),
  noSuchAction: () => refusal(404, '60003', UNABLE)('No Action is configured on the given Action Type and Id.'),
  empty: (field: string) => refusal(400, '60004', 'Invalid request.')(`${field} is empty.`),
  invalid: (field: string) => refusal(400, '60005', 'Invalid request.')(`${field} is invalid.`),
  invalidProperties: refusal(400, '60006', 'Provided Action Properties are invalid.'),
  headersNotAllowed: () =>
    refusal(
      400,
      '60007',
      'Provided Headers are not allowed.',
    )('One or more provided headers are not allowed by the server.'),
  parametersNotAllowed: () =>
    refusal(
      400,
      '60008',
      'Provided Parameters are not allowed.',
    )('One or more provided parameters are not allowed by the server.'),
  notLatestVersion: (latest: string) =>
    refusal(
      400,
      '60009',
      'Invalid action version update request.',
    )(
      `Only allowed to update to the latest Action version: ${latest}. Ensure that only the major version is provided.`,
    ),
  credentialsMissing: () =>
    refusal(400, '60010', UNABLE)('Required authentication properties are not provided or invalid.'),
  credentialsEmpty: () => refusal(400, '60011', UNABLE)('Authentication property values cannot be empty.'),
  tooManyAttributes: (count: number, maximum: number) =>
    refusal(
      400,
      '60011',
      'Maximum attributes limit exceeded.',
    )(`The number of configured attributes: ${count} exceeds the maximum allowed limit: ${maximum}`),
  notFound: () =>
    refusal(404, '60012', 'Action is not found.')('No action is found for given action id and action type'),
  unknownAttribute: (attribute: string) =>
    refusal(
      400,
      '60012',
      'Invalid attribute provided.',
    )(`The provided ${attribute} attribute is not available in the system.`),
  attributeNotShared: (attribute: string) =>
    refusal(
      400,
      '60012',
      'Not supported.',
    )(`The provided ${attribute} attribute is not supported to be shared with extension.`),
  invalidRule: refusal(400, '60013', 'Invalid rule.'),
  malformedBody: () =>
    refusal(400, '60014', 'Invalid Request body.')('Provided request body content is not in the expected format.'),
  notForOrganizations: (type: string) =>
    refusal(
      403,
      '60015',
      'Action type is not allowed.',
    )(`The requested action type: ${type} is not allowed at the organization level.`),
  headersNotSupported: (type: string) =>
    refusal(400, '60016', UNABLE)(`Allowed headers are not supported for the action type: ${type}.`),
  parametersNotSupported: (type: string) =>
    refusal(400, '60017', UNABLE)(`Allowed parameters are not supported for the action type: ${type}.`),
  typeNotImplemented: () =>
    refusal(501, '650015', UNABLE)('The requested action type is not currently supported by the server.'),
  rulesNotSupported: () =>
    refusal(501, '650016', UNABLE)('Rules are not supported for the specified action type by the server.'),
  attributesNotSupported: (type: string) =>
    refusal(501, '65018', UNABLE)(`Attributes are not currently supported for the action type: ${type}.`),
}
