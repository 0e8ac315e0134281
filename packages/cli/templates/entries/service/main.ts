/** Runs __name__ on a port, and stops it on SIGTERM. */
import process from 'node:process'
import { runService } from '@preflow/extension/service'
import { service } from './service.ts'

await runService(service, process)
