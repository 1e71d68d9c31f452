// Opens one file with Netron's own reader and prints, as JSON, what Netron shows of it.
//
//     node netron_driver.mjs NETRON_SOURCES FILE
//
// NETRON_SOURCES is the folder of the Python package `netron`, which holds the program that
// runs in the browser. Its `view.js` takes a host and, for each file, a context that fetches
// the files beside it: those are made here. What Netron reports as an error ends the driver.
//
//     {"format": TEXT, "tensors": [{"name", "type", "shape", "bytes", "value" or "refused"}]}
//
// `bytes` is hex. `value` is nested lists as Netron decodes them, `refused` why it does not.
// The trap is numbers: Python's JSON takes NaN, Infinity and integers of any size, so that is
// what is printed; JSON.stringify would turn the first into null and refuse the last.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';

const [sources, file] = process.argv.slice(2);

const load = (id) => import(pathToFileURL(path.join(sources, `${id}.js`)));
const base = await load('base');
const view = await load('view');

const host = { require: load };

class FileContext {
    constructor(file) {
        this.folder = path.dirname(file);
        this.identifier = path.basename(file);
        this.stream = this.open(this.identifier);
    }

    open(name) {
        return new base.BinaryStream(new Uint8Array(fs.readFileSync(path.join(this.folder, name))));
    }

    async fetch(name) {
        return this.open(name);
    }

    async asset(name) {
        return fs.readFileSync(path.join(sources, name), 'utf-8');
    }

    async require(id) {
        return load(id);
    }

    error(error) {
        console.error(error);
        process.exitCode = 1;
    }
}

const print = (value) => {
    if (Array.isArray(value)) {
        return `[${value.map(print).join(',')}]`;
    }
    if (value instanceof base.Complex) {
        return `{"real":${print(value.real)},"imaginary":${print(value.imaginary)}}`;
    }
    if (typeof value === 'number') {
        return Object.is(value, -0) ? '-0.0' : `${value}`;
    }
    return typeof value === 'bigint' ? `${value}` : JSON.stringify(value);
};

const shown = (name, initializer) => {
    const tensor = new base.Tensor(initializer);
    const fields = {
        name,
        type: initializer.type.dataType,
        shape: initializer.type.shape.dimensions,
        bytes: tensor.data ? Buffer.from(tensor.data).toString('hex') : null
    };
    try {
        fields.value = tensor.empty ? [] : tensor.value;
    } catch (error) {
        fields.refused = error.message;
    }
    const members = Object.entries(fields).map(([key, field]) => `"${key}":${print(field)}`);
    return `{${members.join(',')}}`;
};

const model = await new view.ModelFactoryService(host).open(new FileContext(file));
const inputs = model.modules.flatMap((graph) => graph.nodes).flatMap((node) => node.inputs);
const values = inputs.flatMap((input) => input.value).filter((value) => value && value.initializer);
const tensors = values.map((value) => shown(value.name, value.initializer));
process.stdout.write(`{"format":${print(model.format)},"tensors":[${tensors.join(',\n')}]}\n`);
