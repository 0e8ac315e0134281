/** __name__ as a function on AWS Lambda. If it cannot start, the log of the function states why. */
import { Hono } from 'hono'
import { handle } from 'hono/aws-lambda'
import { service } from './service.ts'

export const handler = handle(new Hono().all('*', context => service.fetch(context.req.raw)))
