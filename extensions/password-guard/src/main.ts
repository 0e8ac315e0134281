#!/usr/bin/env node
/** Runs password-guard. */
import { runService } from '@preflow/extension/service'
import { passwordGuard } from './service.ts'

await runService(passwordGuard, process)
