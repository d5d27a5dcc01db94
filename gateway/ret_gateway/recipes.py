"""Recipes: options of comparisons under a name, kept as long as the session."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.status import HTTP_204_NO_CONTENT

from ret.diff.v1 import diff_pb2
from ret_gateway import comparison_answers as answers
from ret_gateway import comparison_models as bodies
from ret_gateway.access import API, SESSION_NEEDED, Services, SignedIn
from ret_gateway.models import NAME_LIMIT, PRINTABLE
from ret_gateway.parameters import Limit, Offset
from ret_kit.errors import NotFound

router = APIRouter(
    prefix=f"{API}/comparison-recipes", tags=["comparison"], route_class=SignedIn, dependencies=SESSION_NEEDED
)
RecipeName = Annotated[str, Path(min_length=1, max_length=NAME_LIMIT, pattern=PRINTABLE)]


async def _all(services: Services) -> list[bodies.Recipe]:
    answer = await services.diff.ListRecipes(diff_pb2.ListRecipesRequest())
    return [answers.recipe(one) for one in answer.recipes]


@router.get("")
async def list_recipes(services: Services, offset: Offset = 0, limit: Limit = 100) -> bodies.RecipeList:
    """The session's recipes by name."""
    recipes = await _all(services)
    return bodies.RecipeList(items=recipes[offset : offset + limit], total=len(recipes))


@router.get("/{recipe:path}")  # an encoded slash of a name arrives as a slash
async def get_recipe(recipe: RecipeName, services: Services) -> bodies.Recipe:
    """One recipe."""
    for one in await _all(services):
        if one.name == recipe:
            return one
    raise NotFound(what="recipe")


@router.put("/{recipe:path}")
async def put_recipe(recipe: RecipeName, body: bodies.RecipeOptions, services: Services) -> bodies.Recipe:
    """Keeps options under a name, in the place of what had it before."""
    kept = diff_pb2.Recipe(name=recipe, options=answers.options_of(body.options))
    return answers.recipe((await services.diff.PutRecipe(diff_pb2.PutRecipeRequest(recipe=kept))).recipe)


@router.delete("/{recipe:path}", status_code=HTTP_204_NO_CONTENT)
async def delete_recipe(recipe: RecipeName, services: Services) -> None:
    """Forgets a recipe."""
    await services.diff.DeleteRecipe(diff_pb2.DeleteRecipeRequest(name=recipe))
