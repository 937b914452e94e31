import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { NodeOptions } from './node.ts'

interface Generated {
  /** Without a comment that names its map. */
  readonly code: string
  readonly map: { sources: string[]; sourcesContent?: (string | null)[]; file?: string }
}

/** Compiles or bundles the sources (absolute paths below `folder`, the first is the one to run); the script to run. */
export async function generate(folder: string, sources: readonly string[], options: NodeOptions): Promise<string> {
  if (options.bundle !== undefined) {
    const file = path.join(folder, 'out', 'bundle.js')
    write(folder, file, await bundled(sources[0]!, file, options), options)
    return file
  }
  const files = []
  for (const source of sources) {
    const inside = path.relative(path.join(folder, 'src'), source).replace(/\.ts$/, '.js')
    const file = path.join(folder, 'out', inside)
    write(folder, file, await compiled(source, file, options), options)
    files.push(file)
  }
  return files[0]!
}

function write(folder: string, file: string, { code, map }: Generated, options: NodeOptions): void {
  const text = JSON.stringify({ ...map, file: path.basename(file) })
  mkdirSync(path.dirname(file), { recursive: true })
  if (options.map === 'inline') {
    const url = `data:application/json;base64,${Buffer.from(text).toString('base64')}`
    writeFileSync(file, `${code}//# sourceMappingURL=${url}\n`)
  } else if (options.map === 'elsewhere') {
    const mapFile = path.join(folder, 'maps', `${path.relative(path.join(folder, 'out'), file)}.map`)
    mkdirSync(path.dirname(mapFile), { recursive: true })
    writeFileSync(mapFile, text)
    writeFileSync(file, code)
  } else {
    writeFileSync(`${file}.map`, text)
    writeFileSync(file, `${code}//# sourceMappingURL=${path.basename(file)}.map\n`)
  }
}

async function compiled(source: string, file: string, options: NodeOptions): Promise<Generated> {
  // Loaded by those who need it only: it takes half a second.
  const { default: ts } = await import('typescript')
  const text = readFileSync(source, 'utf8')
  const { outputText, sourceMapText } = ts.transpileModule(text, {
    fileName: source,
    reportDiagnostics: false,
    compilerOptions: {
      module: options.esm === true ? ts.ModuleKind.ESNext : ts.ModuleKind.CommonJS,
      target: options.target === 'es2016' ? ts.ScriptTarget.ES2016 : ts.ScriptTarget.ES2022,
      sourceMap: true,
      inlineSources: options.sourcesContent ?? false,
    },
  })
  const map = JSON.parse(sourceMapText!) as Generated['map']
  map.sources = [path.relative(path.dirname(file), source)]
  return { code: outputText.replace(/\/\/# sourceMappingURL=.*\s*$/, ''), map }
}

async function bundled(entry: string, file: string, options: NodeOptions): Promise<Generated> {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [entry],
    outfile: file,
    bundle: true,
    write: false,
    minify: options.bundle === 'minified',
    platform: 'node',
    target: options.target ?? 'es2022',
    format: options.esm === true ? 'esm' : 'cjs',
    sourcemap: 'external',
    sourcesContent: options.sourcesContent ?? true,
    // As most projects have it, and whatever a tsconfig.json above the folder of temporary files says.
    tsconfigRaw: { compilerOptions: { strict: true } },
  })
  const [map, code] = [/\.map$/, /\.js$/].map((wanted) => outputFiles.find((each) => wanted.test(each.path))!.text)
  return { code: code!, map: JSON.parse(map!) as Generated['map'] }
}
