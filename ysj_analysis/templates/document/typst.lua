-- Writes for Typst what pandoc leaves out: descriptions of pictures, and styles of paragraphs.
local function quoted(text)
  return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("[\r\n]+", " ") .. '"'
end

local function inside(blocks)
  return pandoc.write(pandoc.Pandoc(blocks), "typst", { wrap_text = "wrap-none" })
end

function Figure(figure)
  local picture
  figure.content:walk({ Image = function(image) picture = image end })
  if not picture then
    return figure
  end
  local alt = pandoc.utils.stringify(picture.caption)
  local described = alt ~= "" and (", alt: " .. quoted(alt)) or ""
  return pandoc.RawBlock(
    "typst",
    "#figure(image(" .. quoted(picture.src) .. ", width: 100%" .. described .. "), kind: image, caption: ["
      .. inside(figure.caption.long) .. "])" .. (figure.identifier ~= "" and " <" .. figure.identifier .. ">" or "")
  )
end

function Div(div)
  local style = div.attributes["custom-style"]
  if not style then
    return div.content
  end
  return pandoc.RawBlock("typst", "#" .. style:lower() .. "[\n" .. inside(div.content) .. "\n]")
end
