import type { Sample } from './program.ts'

const modes = {
  node: { neovim: 'typescript', dape: 'js-mode js-ts-mode typescript-ts-mode' },
  debugpy: { neovim: 'python', dape: 'python-mode python-ts-mode' },
} as const

/** How each editor says "attach to that port": the forms that were tried with the real editors. */
export function editorConfigurations(port: number, target: string, { backend, file }: Sample): string {
  const { neovim, dape } = modes[backend]
  return `VS Code (.vscode/launch.json; "type": "node" is only a name here, and works without any extension):
  { "version": "0.2.0", "configurations": [
    { "type": "node", "request": "attach", "name": "Breakwater: ${target}", "debugServer": ${port}, "target": "${target}" } ] }
  and in settings.json: "debug.allowBreakpointsEverywhere": true

Neovim, nvim-dap:
  local dap = require('dap')
  dap.adapters.breakwater = { type = 'server', host = '127.0.0.1', port = ${port} }
  dap.configurations.${neovim} = {
    { type = 'breakwater', request = 'attach', name = 'Breakwater: ${target}', target = '${target}' },
  }

Emacs, dap-mode (Debian 12's variables window also wants (defvar treemacs-text-scale nil)):
  (require 'dap-mode) (require 'dap-ui)
  (dap-register-debug-provider "breakwater" #'identity)
  (dap-register-debug-template "Breakwater: ${target}"
    (list :type "breakwater" :request "attach" :name "Breakwater: ${target}"
          :host "127.0.0.1" :debugServer ${port} :target "${target}"))

Emacs, dape:
  (add-to-list 'dape-configs
    '(breakwater modes (${dape}) host "127.0.0.1" port ${port}
      :request "attach" :type "breakwater" :target "${target}"))

Then open ${file} and set a breakpoint.`
}
