import { Problem } from '../../ground/problem.ts'
import type { ApiResource, Tenant } from '../../ground/store/model.ts'

const problem = (status: number, code: string, title: string, sentence: string) =>
  new Problem(status, `APP-${code}`, sentence, { title })

/** The problems of the applications API, with the reference's codes and wording. */
export const applicationProblems = {
  notFound: (applicationId: string, { domain }: Tenant) =>
    problem(
      404,
      '60006',
      'Application not found.',
      `Application cannot be found for the provided id: ${applicationId} in the tenantDomain: ${domain}.`,
    ),
  nameTaken: (name: string) =>
    problem(
      409,
      '60007',
      'Application already exists.',
      `An application with the name ${name}, or with the client id, already exists. Choose another.`,
    ),
  noSuchApi: (apiId: string, { domain }: Tenant) =>
    problem(
      404,
      '60507',
      'API resource not found.',
      `API resource with id: ${apiId} is not found in the tenant domain: ${domain}.`,
    ),
  noSuchScope: ({ id }: ApiResource, { domain }: Tenant) =>
    problem(
      400,
      '60508',
      'API scopes not found.',
      `One or more scopes in the request is not found for the API resource with Id: ${id} in the tenant domain: ${domain}.`,
    ),
  alreadyAuthorized: (apiId: string, applicationId: string) =>
    problem(
      409,
      '60509',
      'API resource already authorized.',
      `API resource with id: ${apiId} is already authorized for the application with id: ${applicationId}.`,
    ),
  notAuthorized: ({ applicationId, apiId }: { applicationId: string; apiId: string }) =>
    problem(
      404,
      '60510',
      'API resource not authorized for the application.',
      `API resource with id: ${apiId} is not authorized for the application with id: ${applicationId}.`,
    ),
  unknownPolicy: () =>
    problem(
      400,
      '60511',
      'Invalid policy id value provided.',
      "Invalid policy id value. It should be 'RBAC' or 'No Policy'.",
    ),
  wrongHybridResponseType: () =>
    problem(
      400,
      '60518',
      'Hybrid flow response type is incorrect.',
      "The response type for the hybrid flow should be either 'code token' or 'code id_token' or 'code id_token token'",
    ),
  notPermitted: () =>
    problem(403, '60520', 'Forbidden', 'Operation is not permitted. You do not have permissions to make this request.'),
}
