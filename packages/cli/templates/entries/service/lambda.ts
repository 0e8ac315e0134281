/** __name__ as a function on AWS Lambda. If it cannot start, the log of the function states why. */
import process from 'node:process'
import { lambdaHandler } from '@preflow/extension/lambda'
import { openService } from '@preflow/extension/service'
import { service } from './service.ts'

const { extension } = await openService(service, process)
export const handler = lambdaHandler(extension)
