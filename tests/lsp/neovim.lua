-- What a user does in Neovim, from 0.7 on; what came of it is written as JSON to the file in $RESULT.
-- $NAMES has the names in the request as JSON, and the name of the file with the definitions.
local done = {}
local names = vim.fn.json_decode(vim.env.NAMES)

local function lines()
  return vim.api.nvim_buf_get_lines(0, 0, -1, false)
end

local function until_true(what, holds)
  if not vim.wait(60000, holds, 20) then
    error("nothing came of it: " .. what)
  end
end

-- Put the cursor on the first place of a text, so many bytes behind its start.
local function go_to(text, shift)
  for number, line in ipairs(lines()) do
    local start = line:find(text, 1, true)
    if start then
      vim.api.nvim_win_set_cursor(0, { number, start - 1 + shift })
      return
    end
  end
  error("not there: " .. text)
end

local function ask(method, more)
  local params = vim.lsp.util.make_position_params(0, "utf-16")
  local answers = vim.lsp.buf_request_sync(0, method, vim.tbl_extend("force", params, more or {}), 60000)
  for _, answer in pairs(answers or {}) do
    assert(not answer.err, vim.inspect(answer.err))
    return answer.result
  end
  error("no answer: " .. method)
end

local function codes()
  local found = {}
  for _, each in ipairs(vim.diagnostic.get(0)) do
    table.insert(found, { each.code, each.lnum, each.col })
  end
  table.sort(found, function(one, other)
    return one[2] < other[2]
  end)
  return found
end

local function run()
  until_true("diagnostics", function()
    return #vim.diagnostic.get(0) > 0
  end)
  done.diagnostics = codes()

  go_to('"' .. names.begun .. '"', 1 + #names.begun)
  for _, item in ipairs(ask("textDocument/completion")) do
    if item.label == names.completed then
      vim.lsp.util.apply_text_edits({ item.textEdit }, vim.api.nvim_get_current_buf(), "utf-16")
    end
  end
  done.completed = lines()

  go_to("batch_num", 1)
  done.hover = ask("textDocument/hover").contents.value

  go_to(names.misspelt, 1)
  local range = vim.lsp.util.make_range_params(0, "utf-16").range
  local context = { diagnostics = {}, only = { "quickfix" } }
  for _, action in ipairs(ask("textDocument/codeAction", { range = range, context = context })) do
    done.title = action.title
    vim.lsp.util.apply_workspace_edit(action.edit, "utf-16")
  end
  done.fixed = lines()

  until_true("no diagnostics", function()
    return #vim.diagnostic.get(0) == 0
  end)

  if vim.lsp.buf.format then
    vim.lsp.buf.format({ timeout_ms = 60000 })
  else
    vim.lsp.buf.formatting_sync(nil, 60000)
  end
  done.formatted = lines()

  vim.cmd("silent write")
  go_to(names.completed, 3)
  vim.lsp.buf.definition()
  until_true("a jump", function()
    return vim.endswith(vim.api.nvim_buf_get_name(0), names.definitions)
  end)
  done.defined = vim.api.nvim_get_current_line()
end

local ok, problem = pcall(run)
done.problem = not ok and tostring(problem) or nil
local file = assert(io.open(vim.env.RESULT, "w"))
file:write(vim.fn.json_encode(done))
file:close()
vim.cmd("qall!")
