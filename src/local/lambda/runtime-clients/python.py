"""The Python runtime client of the local Lambda.

It stands where AWS's awslambdaric stands on Lambda and behaves like it, with the standard library alone (awslambdaric
brings a native addon and simplejson): it asks the Runtime API for events, calls the handler and posts what it says.
Runs in the user's process, on Python 3.10 and later.
"""

import decimal
import http.client
import importlib
import json
import logging
import os
import re
import sys
import time
import traceback

BASE = "/2018-06-01/runtime"
REQUEST_ID = None


class Fault(Exception):
    """An error that the runtime, not the handler, makes."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind = "Runtime." + kind
        self.message = message
        self.trace = trace


class RuntimeApi:
    """One kept-alive connection: the events of one environment come one at a time."""

    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address)

    def call(self, method, path, body=None, headers=None):
        try:
            self.connection.request(method, BASE + path, body, headers or {})
            answer = self.connection.getresponse()
            return answer.read(), answer.headers
        except (OSError, http.client.HTTPException):
            # The Runtime API is gone, and with it whoever started this process: nobody is left to tell.
            sys.stdout.flush()
            os._exit(1)

    def post(self, path, body, headers=None):
        data = body if isinstance(body, bytes) else body.encode("utf-8")
        self.call("POST", path, data, {"Content-Type": "application/json", **(headers or {})})

    def post_error(self, path, error):
        self.post(path, to_json(error), {"Lambda-Runtime-Function-Error-Type": error["errorType"]})


class CognitoIdentity:
    cognito_identity_id = None
    cognito_identity_pool_id = None


class Fields:
    """The client context: every documented field is there, None when it was not sent."""

    def __init__(self, names, values):
        for name in names:
            setattr(self, name, values.get(name))


class LambdaContext:
    def __init__(self, headers):
        self.aws_request_id = headers.get("Lambda-Runtime-Aws-Request-Id")
        self.invoked_function_arn = headers.get("Lambda-Runtime-Invoked-Function-Arn")
        self.tenant_id = headers.get("Lambda-Runtime-Aws-Tenant-Id")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.client_context = client_context(headers.get("Lambda-Runtime-Client-Context"))
        self.identity = CognitoIdentity()
        self._deadline_ms = int(headers.get("Lambda-Runtime-Deadline-Ms"))

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


def client_context(header):
    if not header:
        return None
    try:
        values = json.loads(header)
    except ValueError as error:
        raise Fault("LambdaContextUnmarshalError", f"Unable to parse Client Context JSON: {error}") from None
    context = Fields(("custom", "env", "client"), values)
    if context.client is not None:
        names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")
        context.client = Fields(names, context.client)
    return context


DECIMAL_MARK = "\ue000lambdapg-decimal:"
DECIMALS = re.compile(f'"{DECIMAL_MARK}([^"]*)"')


def plain(value, parents=()):
    """simplejson's habits, which awslambdaric relies on: Decimal as a number, named tuples as objects, bytes as text."""
    if isinstance(value, decimal.Decimal):
        return float("nan") if value.is_nan() else DECIMAL_MARK + str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if not isinstance(value, (dict, list, tuple)):
        return value
    if id(value) in parents:
        raise ValueError("Circular reference detected")
    parents = (*parents, id(value))
    if isinstance(value, dict):
        return {key: plain(item, parents) for key, item in value.items()}
    if hasattr(value, "_asdict"):
        return {key: plain(item, parents) for key, item in value._asdict().items()}
    return [plain(item, parents) for item in value]


def to_json(value):
    return DECIMALS.sub(r"\1", json.dumps(plain(value), ensure_ascii=False))


def load_handler(name):
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("MalformedHandlerName", f"Bad handler '{name}': {error}") from None
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("ImportModuleError", f"Unable to import module '{module_name}': {error}") from None
    except SyntaxError as error:
        where = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        raise Fault("UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", [where]) from None
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Fault("HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'") from None


def error_of(error):
    if isinstance(error, Fault):
        kind, message, trace = error.kind, error.message, error.trace or []
    else:
        # Tuples: a FrameSummary would add a line of carets that Lambda does not show.
        frames = [(f.filename, f.lineno, f.name, f.line) for f in traceback.extract_tb(error.__traceback__)]
        theirs = [index for index, frame in enumerate(frames) if frame[0] != __file__]
        kind, message = type(error).__name__, str(error)
        trace = traceback.format_list(frames[theirs[0] :] if theirs else frames)
    return {"errorMessage": message, "errorType": kind, "requestId": REQUEST_ID or "", "stackTrace": trace}


def log_error(error):
    lines = [f"[ERROR] {error['errorType']}: {error['errorMessage']}", "Traceback (most recent call last):"]
    for frame in error["stackTrace"]:
        for line in frame.splitlines():
            text = line.lstrip(" ")
            # No-break spaces: CloudWatch trims ordinary ones.
            lines.append("\u00a0" * (len(line) - len(text)) + text)
    sys.stdout.write("\r".join(lines) + "\n")


class RequestIdFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = REQUEST_ID or ""
        return True


class LogHandler(logging.Handler):
    def emit(self, record):
        # A carriage return keeps a message with several lines one entry, as in CloudWatch.
        sys.stdout.write(self.format(record).replace("\n", "\r") + "\n")


def set_up_logging():
    handler = LogHandler()
    layout = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    formatter = logging.Formatter(layout, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.addFilter(RequestIdFilter())
    logging.getLogger().addHandler(handler)


def marshal(response):
    if isinstance(response, bytes):
        return response, "application/unknown"
    try:
        return to_json(response), "application/json"
    except Exception as error:
        raise Fault("MarshalError", f"Unable to marshal response: {error}") from None


def handle_next(api, handler):
    global REQUEST_ID
    body, headers = api.call("GET", "/invocation/next")
    REQUEST_ID = headers.get("Lambda-Runtime-Aws-Request-Id")
    trace = headers.get("Lambda-Runtime-Trace-Id")
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    try:
        context = LambdaContext(headers)
        result, content_type = marshal(handler(json.loads(body), context))
    except Exception as raised:
        error = error_of(raised)
        log_error(error)
        api.post_error(f"/invocation/{REQUEST_ID}/error", error)
    else:
        api.post(f"/invocation/{REQUEST_ID}/response", result, {"Content-Type": content_type})


def main():
    # Every print goes out at once: the process is stopped, not asked, between two events.
    sys.stdout.reconfigure(line_buffering=True, write_through=True)
    sys.stderr.reconfigure(line_buffering=True, write_through=True)
    # The script's own folder is no place for the handler's imports.
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    set_up_logging()
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = load_handler(os.environ["_HANDLER"])
    except Exception as raised:
        error = error_of(raised)
        log_error(error)
        api.post_error("/init/error", error)
        sys.exit(1)
    while True:
        handle_next(api, handler)


if __name__ == "__main__":
    main()
